"""The chat page: ``python app.py`` is ``chatbot serve``."""

import sys

from chatbot.cli.commands import main

if __name__ == "__main__":
    sys.argv[1:1] = ["serve"]
    main()
