# The curl calls of Grow CRM's timesheets page as a user types them: only address, key and the ids between them are ours.
set -eu

# Record a timesheet entry
curl -X POST $BASE/timesheets -H "Authorization: Bearer $KEY" \
  -d task_id=$TASK -d user_id=$USER_ID -d hours=1 -d minutes=30 -d timer_created=2026-06-20 > "$OUT/recorded"

# List / search timesheets
curl -G $BASE/timesheets -H "Authorization: Bearer $KEY" -d project_id=$PROJECT > "$OUT/listed"

# Get a timesheet
curl $BASE/timesheets/$(id recorded) -H "Authorization: Bearer $KEY" > "$OUT/one"

# Update a timesheet entry
curl -X PATCH $BASE/timesheets/$(id recorded) -H "Authorization: Bearer $KEY" \
  -d hours=2 -d minutes=0 > "$OUT/updated"

# Delete a timesheet entry
curl -X DELETE $BASE/timesheets/$(id recorded) -H "Authorization: Bearer $KEY" > "$OUT/deleted"

# Errors: what is not there, less than a minute, no key
code() { curl -o "$OUT/$1" -w '%{http_code}' "${@:2}" > "$OUT/$1.status" || true; }
code gone $BASE/timesheets/$(id recorded) -H "Authorization: Bearer $KEY"
code short -X POST $BASE/timesheets -H "Authorization: Bearer $KEY" \
  -d task_id=$TASK -d user_id=$USER_ID -d hours=0 -d minutes=0 -d timer_created=2026-06-20
code missing -X POST $BASE/timesheets -H "Authorization: Bearer $KEY" -d hours=1 -d minutes=0
code nobody $BASE/timesheets -H "Authorization: Bearer YOUR_API_KEY"
