"""The projects here are users' projects, with ini files of their own: ``test_projects.py`` runs them."""

collect_ignore = ["projects"]
