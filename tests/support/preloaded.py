"""What a process has imported and made before forks of it run commands: everything that any of them needs."""

import service.__main__
import service.admin
import service.client.commands
import service.keyservice.app
import service.keyservice.commands
import service.migrations
import service.serving  # noqa: F401
from service.app import api_document

api_document()
service.keyservice.app.api_document()
