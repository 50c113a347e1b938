"""Every text of the page, in Chinese and English, a module for each part of the page.

A module has a dataclass of texts and ``TEXTS``, one of them for each language.
"""
