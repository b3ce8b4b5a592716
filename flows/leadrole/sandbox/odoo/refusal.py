"""How Odoo says no: the exception, its message and the traceback that it shows to everyone."""

from __future__ import annotations

from typing import Any

_HEAD = 'Traceback (most recent call last):\n  File "/opt/odoo/odoo/http.py", line {line}, in _serve_db\n'
_FOOT = "    return service_model.retrying({what}, {env})\n{name}: {message}\n"


class OdooError(Exception):
    """An exception of the server: JSON-2 says it with `status`, JSON-RPC always with 200."""

    def __init__(
        self, name: str, message: str, status: int = 500, arguments: list[Any] | None = None
    ) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status
        self.arguments = [message] if arguments is None else arguments

    @classmethod
    def value(cls, message: str) -> OdooError:
        """Give what an unknown field or a wrong domain raises."""
        return cls("builtins.ValueError", message)

    @classmethod
    def type(cls, message: str) -> OdooError:
        """Give what a wrong argument raises over JSON-RPC."""
        return cls("builtins.TypeError", message)

    @classmethod
    def user(cls, message: str) -> OdooError:
        """Give what Odoo tells a user."""
        return cls("odoo.exceptions.UserError", message, 422)

    @classmethod
    def access(cls, message: str) -> OdooError:
        """Give what someone without the rights hears."""
        return cls("odoo.exceptions.AccessError", message, 403)

    @classmethod
    def denied(cls) -> OdooError:
        """Give what a wrong password or key raises over JSON-RPC."""
        return cls("odoo.exceptions.AccessDenied", "Access Denied", 403)

    @classmethod
    def database(cls, message: str) -> OdooError:
        """Give what PostgreSQL says of a value it can't read."""
        return cls("psycopg2.errors.InvalidTextRepresentation", f"{message}\nLINE 1: ...\n")

    @classmethod
    def http(cls, kind: str, status: int, message: str) -> OdooError:
        """Give an error of the web framework; its arguments hold the status too."""
        return cls(f"werkzeug.exceptions.{kind}", message, status, [message, status])

    def said(self, version: int) -> dict[str, Any]:
        """Give the body JSON-2 answers with."""
        return {
            "name": self.name,
            "message": self.message,
            "arguments": self.arguments,
            "context": {},
            "debug": self.traceback(version),
        }

    def said_rpc(self, version: int) -> dict[str, Any]:
        """Give the `error` of a JSON-RPC answer."""
        data: dict[str, Any] = {
            "name": self.name,
            "debug": self.traceback(version),
            "message": self.message,
            "arguments": self.arguments,
            "context": {},
        }
        return {"code": 200, "message": "Odoo Server Error", "data": data}

    def traceback(self, version: int) -> str:
        """Give the traceback, which names the server's files and may hold what was asked."""
        is_new = version >= 19
        name = self.name.removeprefix("builtins.")
        message = self.message
        if name.startswith("werkzeug."):
            words = {"NotFound": "Not Found", "BadRequest": "Bad Request"}
            kind = name.rpartition(".")[2]
            message = f"{self.status} {words.get(kind, kind)}: {message}"
        return _HEAD.format(line=2273 if is_new else 1764) + _FOOT.format(
            what="serve_func" if is_new else "self._serve_ir_http",
            env="env=self.env" if is_new else "self.env",
            name=name,
            message=message,
        )
