"""`python -m tallystick` is the command `tallystick`."""

from tallystick.cli import main

main()
