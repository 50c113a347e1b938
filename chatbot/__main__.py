"""``python -m chatbot``: the same as the console script."""

from chatbot.cli import main

main()
