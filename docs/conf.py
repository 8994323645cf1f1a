"""Configuration of Sphinx."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bmtool_connectors

project = "bmtool_connectors"
author = "bmtool_connectors contributors"
copyright = f"2026, {author}"
release = version = bmtool_connectors.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {version}"

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Types stand in the docstrings, with shape and unit.
autodoc_typehints = "none"
numpydoc_show_class_members = False

doctest_global_setup = "from bmtool_connectors import *"
