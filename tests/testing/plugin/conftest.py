"""``projects`` holds users' projects, with an ini file of their own: ``test_projects.py`` runs them."""

collect_ignore = ["projects"]
