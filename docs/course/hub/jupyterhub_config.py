"""A JupyterHub for a class: a container for each student, 4 GiB and two cores, one folder that can be written.

Before a term, choose who may log in: the environment variable AUTHENTICATOR names a class, for example oauthenticator.GitLabOAuthenticator, whose own
settings are set below it; ADMINS names the teachers. See jupyterhub.readthedocs.io for authenticators and HTTPS."""
import os
import sys

c = get_config()  # noqa: F821
if not os.environ.get("AUTHENTICATOR"): sys.exit("jupyterhub_config.py: nobody is asked for a password; set AUTHENTICATOR, for a trial on your own machine to shared-password with HUB_PASSWORD.")
c.JupyterHub.authenticator_class = os.environ["AUTHENTICATOR"]
if os.environ["AUTHENTICATOR"] == "shared-password":
    if len(os.environ.get("HUB_PASSWORD", "")) < 8: sys.exit("jupyterhub_config.py: AUTHENTICATOR=shared-password needs HUB_PASSWORD, the one password of all, of 8 characters or more.")
    c.SharedPasswordAuthenticator.user_password = os.environ["HUB_PASSWORD"]
    c.Authenticator.allow_all = True
c.Authenticator.admin_users = {name for name in os.environ.get("ADMINS", "").split(",") if name}

c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = "hub"
c.JupyterHub.db_url = "sqlite:////srv/jupyterhub/data/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/srv/jupyterhub/data/cookie_secret"

c.DockerSpawner.image = os.environ.get("IMAGE", "sslkit-course")
c.DockerSpawner.cmd = ["jupyterhub-singleuser"]
c.DockerSpawner.network_name = "sslkit-course"                 # compose.yaml makes it internal: students' containers reach the hub and nothing else
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.volumes = {"sslkit-work-{username}": "/home/student/work"}
c.DockerSpawner.notebook_dir = "/home/student/work"
c.DockerSpawner.mem_limit = "4G"
c.DockerSpawner.cpu_limit = 2.0
c.DockerSpawner.extra_host_config = {"read_only": True, "tmpfs": {"/tmp": "size=64m"}, "pids_limit": 512}
c.DockerSpawner.default_url = "/lab/tree/course/week01.ipynb"
