# Hoursmith's "Common workflows" as a user types them: only the address and the ids between them are ours.
set -eu

# 1. Create a client (POST requires an Idempotency-Key)
curl $BASE/clients \
-H "Authorization: Bearer $TOKEN" \
-H "Idempotency-Key: $(uuidgen)" \
-H "Content-Type: application/json" \
-d '{ "name": "Globex", "email": "billing@globex.com", "currency": "USD" }' > "$OUT/client"

# 2. Create an hourly project for that client
curl $BASE/projects \
-H "Authorization: Bearer $TOKEN" \
-H "Idempotency-Key: $(uuidgen)" \
-H "Content-Type: application/json" \
-d '{ "clientId": "'"$(id client)"'", "name": "Website redesign" }' > "$OUT/project"

# Log time
curl $BASE/time-entries \
-H "Authorization: Bearer $TOKEN" \
-H "Idempotency-Key: $(uuidgen)" \
-H "Content-Type: application/json" \
-d '{
"projectId": "'"$(id project)"'",
"entryDate": "2026-06-11",
"durationSeconds": 5400,
"note": "Homepage layout",
"billable": true
}' > "$OUT/entry"

# The same with a human duration
curl $BASE/time-entries \
-H "Authorization: Bearer $TOKEN" \
-H "Idempotency-Key: $(uuidgen)" \
-H "Content-Type: application/json" \
-d '{ "projectId": "'"$(id project)"'", "entryDate": "2026-06-11", "duration": "1h30m", "note": "Homepage layout" }' > "$OUT/human"

# Check the running timer
curl "$BASE/time-entries?running=true&limit=1" \
-H "Authorization: Bearer $TOKEN" > "$OUT/running"

# Pull a month of time for a project
curl "$BASE/time-entries?projectId=$(id project)&entryDateFrom=2026-06-01&entryDateTo=2026-06-30&sort=-entryDate&limit=200" \
-H "Authorization: Bearer $TOKEN" > "$OUT/month"

# Find unpaid invoices
curl "$BASE/invoices?status=sent&sort=-issueDate" \
-H "Authorization: Bearer $TOKEN" > "$OUT/invoices"
