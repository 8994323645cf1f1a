"""Configuration of Sphinx."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bmtool_connectors
from bmtool_connectors import discovery

project = "bmtool_connectors"
author = "bmtool_connectors contributors"
copyright = f"2026, {author}"
release = version = bmtool_connectors.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.doctest"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {version}"

myst_heading_anchors = 3


def described(folder: str, base: str) -> str:
    """Return entries of all classes found in a folder, with what they inherit but from `base`."""
    names = discovery.found(folder)
    entries = (f".. autoclass:: {name}\n   :inherited-members: {base}\n" for name in names)
    return "```{eval-rst}\n" + "\n".join(entries) + "```"


# What stands in braces in api.md; whoever adds a folder to discovery.FOLDERS adds it here.
myst_enable_extensions = ["substitution"]
myst_substitutions = {
    "patterns": described("patterns", "BaseConnector, ConnectorViews, Configured"),
    "profiles": described("profiles", "DistantDependentProbability"),
}

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Types stand in the docstrings, with shape and unit.
autodoc_typehints = "none"
numpydoc_show_class_members = False

doctest_global_setup = "from bmtool_connectors import *"
