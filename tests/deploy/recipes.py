"""What the how-to pages about containers show, read from their blocks, as a container can be made of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped] # types-PyYAML for two calls would be too much.
from packaging.requirements import Requirement

from tests.deploy.container import PATH, Limits
from tools.code_blocks import HOW_TO, blocks_of, named_files

__all__ = ["DOCKER", "KUBERNETES", "Recipe", "of_compose", "of_kubernetes"]

DOCKER, KUBERNETES = HOW_TO / "deploy-with-docker.md", HOW_TO / "deploy-on-kubernetes.md"
README = HOW_TO.parents[1] / "README.md"
FILES = dict(named_files(DOCKER))
SECRET = re.compile(r"kubectl create secret generic (\S+) --from-file=(\S+)=/dev/stdin")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A container as a page makes it, with the page's hosts and port.

    Attributes:
        limits: See there.
        environment: Its variables.
        command: What it runs.
        health_check: The image's own, a command inside the container; Kubernetes does not use it.
        probes: The paths that Kubernetes asks for.
    """

    limits: Limits
    environment: Mapping[str, str]
    command: list[str]
    health_check: list[str] | None
    probes: tuple[str, ...] = ()


def of_compose(folder: Path, client_secret: str, *, wsgi: bool) -> Recipe:
    """Return the container that compose.yaml makes of the image, after the page's commands have made its secrets.

    Args:
        folder: The project's folder; it is filled.
        client_secret: What is typed in where the commands wait for it.
        wsgi: Whether it is the app of the README for gunicorn, with the page's other command.
    """
    compose = yaml.safe_load(FILES["compose.yaml"])
    service = compose["services"]["app"]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    image = built_image(folder, wsgi=wsgi)
    (commands,) = blocks_of(DOCKER, "sh")
    subprocess.run(
        ["sh", "-ec", commands],
        cwd=folder,
        env={"PATH": f"{PATH}:/bin"},
        input=f"{client_secret}\n",
        text=True,
        check=True,
    )
    files = {f"/run/secrets/{name}": folder / compose["secrets"][name]["file"] for name in service["secrets"]}
    # Docker gives every container this one too.
    tmpfs = {"/dev/shm": "mode=1777", **dict(each.split(":", 1) for each in service["tmpfs"])}
    limits = Limits(image.limits.user, image.limits.folder, {**image.limits.files, **files}, tmpfs)
    return Recipe(limits, {**image.environment, **service["environment"]}, image.command, image.health_check)


def of_kubernetes(folder: Path, secrets: Mapping[str, str]) -> Recipe:
    """Return the container that the manifest makes of the image.

    Args:
        folder: The project's folder; it is filled.
        secrets: What is typed in, by the names that the page's commands give to keys of secrets.
    """
    image = built_image(folder, wsgi=False)
    (manifest,) = blocks_of(KUBERNETES, "yaml")
    pod = next(yaml.safe_load_all(manifest))["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    of_pod, of_container = pod["securityContext"], container["securityContext"]
    assert of_pod["runAsNonRoot"]
    assert of_container["readOnlyRootFilesystem"]
    assert not of_container["allowPrivilegeEscalation"]
    assert of_container["capabilities"] == {"drop": ["ALL"]}

    keys = dict(SECRET.findall(blocks_of(KUBERNETES, "sh")[0]))
    files: dict[str, Path] = {}
    tmpfs: dict[str, str] = {"/dev/shm": "mode=1777"}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "emptyDir" in volume:
            tmpfs[mount["mountPath"]] = "mode=1777"
            continue
        files[mount["mountPath"]] = folder / mount["name"]
        files[mount["mountPath"]].mkdir()
        for source in volume["projected"]["sources"]:
            key = keys[source["secret"]["name"]]
            path = files[mount["mountPath"]] / key
            path.write_text(f"{secrets[key]}\n", encoding="utf-8")
            os.chown(path, 0, of_pod["fsGroup"])
            path.chmod(volume["projected"]["defaultMode"])
    environment = {each["name"]: each.get("value") or of_secret(each, keys, secrets) for each in container["env"]}
    probes = tuple(container[kind]["httpGet"]["path"] for kind in ("livenessProbe", "readinessProbe"))
    limits = Limits(of_pod["runAsUser"], image.limits.folder, {**image.limits.files, **files}, tmpfs)
    return Recipe(limits, {**image.environment, **environment}, image.command, None, probes)


def of_secret(variable: dict[str, Any], keys: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """Return the value of a variable that comes from a secret."""
    reference = variable["valueFrom"]["secretKeyRef"]
    assert keys[reference["name"]] == reference["key"]
    return secrets[reference["key"]]


def built_image(folder: Path, *, wsgi: bool) -> Recipe:
    """Do the Dockerfile's steps in a folder, and return what a container without any further limits would be.

    What pip would install is in this environment already.
    """
    steps: dict[str, list[str]] = {}
    for line in blocks_of(DOCKER, "dockerfile")[0].splitlines()[1:]:  # Its name comes first.
        instruction, _, rest = line.partition(" ")
        steps.setdefault(instruction, []).append(rest)
    assert set(steps) == {"FROM", "ENV", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert steps["RUN"] == ["pip install --no-cache-dir -r requirements.txt"]
    assert all(distribution(Requirement(line).name) for line in FILES["requirements.txt"].split())

    sources = {"requirements.txt": FILES["requirements.txt"], "main.py": blocks_of(README)[wsgi]}
    for name, target in (line.split() for line in steps["COPY"]):
        assert target == "."
        (folder / name).write_text(sources[name], encoding="utf-8")
    user, group = steps["USER"][0].split(":")
    assert user == group
    command = blocks_of(DOCKER, "dockerfile")[1].strip().removeprefix("CMD ") if wsgi else steps["CMD"][0]
    variables = dict(word.split("=", 1) for word in shlex.split(steps["ENV"][0]))
    limits = Limits(int(user), steps["WORKDIR"][0], {steps["WORKDIR"][0]: folder})
    health_check = json.loads(steps["HEALTHCHECK"][0].partition("CMD ")[2])
    return Recipe(limits, variables, json.loads(command), health_check)
