"""Every text of the page, in Chinese and English, a module for each part of the page."""
