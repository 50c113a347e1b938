"""``python -m chatbot``: the same as the console script."""

from chatbot.cli.commands import main

main()
