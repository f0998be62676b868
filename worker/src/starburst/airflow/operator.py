"""The operator: a burst as one task of Airflow's, which waits without holding a worker (P14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final, NoReturn

from starburst._client.options import SessionOptions
from starburst.errors import ConfigurationError, StarburstError

from .bursts import Burst, end, send, send_to, take
from .hook import StarburstHook
from .link import LINK_KEY, SessionLink
from .naming import Try
from .provider import DEFAULT_CONNECTION
from .releases import BaseOperator, conf
from .reports import link_to, write_report
from .trigger import BurstTrigger

__all__ = ["BurstOperator"]

_COLOR: Final = "#ecfeff"


class BurstOperator(BaseOperator):
    """Calls a function for each input on cloud workers; its results, in order, are its XCom.

    With ``deferrable=True`` it sends the calls and leaves: Airflow's triggerer waits for them, and
    a worker of Airflow's takes the results. The session's id is made of the names of DAG, run,
    task, map index and try, so that whatever is restarted meanwhile finds it, and starts no second.

    An ``execution_timeout`` is the session's ``session_timeout`` as well, where none is given: so
    the session ends even where Airflow only forgets the task.

    Args:
        function: called with one input, on a cloud worker.
        inputs: what it is called for; or a function without arguments that returns them, so that
            reading a DAG reads no data. Templated.
        options: the fields of :class:`starburst.SessionOptions`, such as ``{"workers": 50}``.
        session: the id of a session to send to, as a :class:`StartSessionOperator` returns it;
            None for one of this task's own, which is erased once its results are safe. Templated.
        then: called with the list of results on Airflow's worker; what it returns is the XCom in
            their place. For results that are too large for an XCom, or that it cannot hold.
        deferrable: wait in the triggerer. Airflow's ``operators.default_deferrable`` by default.
        poll_seconds: between the triggerer's looks.
        report: where to write the session's report, a path or a URL such as ``s3://…``; None for
            nowhere. Templated.
        report_url: where the task's link leads; to ``report`` by default. Templated.
        starburst_conn_id: the Airflow connection; the ``STARBURST_*`` variables where it is the
            default one and does not exist.
        **kwargs: what every operator of Airflow's takes; ``task_id`` is one.

    Raises:
        ConfigurationError: an option is wrong; Airflow shows it as the DAG's import error.
    """

    template_fields: ClassVar[Sequence[str]] = ("inputs", "session", "report", "report_url")
    operator_extra_links = (SessionLink(),)
    ui_color = _COLOR

    def __init__(
        self,
        *,
        function: Callable[[Any], Any],
        inputs: Iterable[Any] | Callable[[], Iterable[Any]],
        options: Mapping[str, Any] | None = None,
        session: str | None = None,
        then: Callable[[list[Any]], Any] | None = None,
        deferrable: bool | None = None,
        poll_seconds: float = 5,
        report: str | None = None,
        report_url: str | None = None,
        starburst_conn_id: str = DEFAULT_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if deferrable is None:
            deferrable = conf.getboolean("operators", "default_deferrable", fallback=False)
        if options and session is not None:
            raise ConfigurationError(
                "options= beside session=: the session was started with options of its own; give "
                "them to its StartSessionOperator"
            )
        SessionOptions.of(dict(options or {}))
        self.function = function
        # Airflow itself would call what is callable in a templated field, with terms of its own.
        self.make_inputs = inputs if callable(inputs) else None
        self.inputs = () if callable(inputs) else inputs
        self.options = options
        self.session = session
        self.then = then
        self.deferrable = deferrable
        self.poll_seconds = poll_seconds
        self.report = report
        self.report_url = report_url
        self.starburst_conn_id = starburst_conn_id
        self._sent: Burst | None = None
        self._link: str | None = None

    @property
    def link(self) -> str | None:
        """Where the report is that this process has written."""
        return self._link

    def execute(self, context: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the results
        """Send the calls, and wait for them, here or in the triggerer."""
        burst = self._send(Try.of(context["ti"]))
        self._sent = burst
        self.log.info("session %s: %s calls are sent", burst.session, f"{burst.count:,}")
        if self.deferrable:
            self._defer(burst)
        return self._finish(context, burst)

    def resume(self, context: Mapping[str, Any], event: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Take the results of calls that the triggerer waited for."""
        if event["trouble"]:
            self.log.warning("the triggerer could not wait: %s", event["trouble"])
        self._sent = Burst.of(event)
        return self._finish(context, self._sent)

    def on_kill(self) -> None:
        """End the burst where a person, or a timeout, ends the task while it runs."""
        if self._sent is not None:
            end(self._connect()[0], self._sent, erase=False)

    def _send(self, once: Try) -> Burst:
        connection, salt = self._connect()
        inputs = self.inputs if self.make_inputs is None else self.make_inputs()
        if self.session is not None:
            return send_to(connection, self.session, self.function, inputs)
        options = dict(self.options or {})
        if self.execution_timeout is not None:
            options.setdefault("session_timeout", int(self.execution_timeout.total_seconds()))
        place = (connection.document.environment, connection.workspace, connection.user)
        return send(
            connection,
            self.function,
            inputs,
            options=SessionOptions.of(options),
            ids=once.ids(*place, salt=salt),
        )

    def _defer(self, burst: Burst) -> NoReturn:
        self.defer(
            trigger=BurstTrigger(
                burst=burst.to_dict(),
                starburst_conn_id=self.starburst_conn_id,
                poll_seconds=self.poll_seconds,
            ),
            method_name="resume",
            timeout=self.execution_timeout,
        )

    def _finish(self, context: Mapping[str, Any], burst: Burst) -> Any:  # noqa: ANN401
        connection, _ = self._connect()
        try:
            results: Any = take(connection, burst)
            if self.then is not None:
                results = self.then(results)
            if self.do_xcom_push:
                # Before the session is erased: what Airflow cannot keep can be taken again.
                context["ti"].xcom_push(key="return_value", value=results)
        except BaseException as error:
            error.add_note(self._keep(burst))
            raise
        finally:
            self._report(context, burst)
        if burst.own:
            end(connection, burst, erase=True)
        return results

    def _keep(self, burst: Burst) -> str:
        """End a session of one's own and keep what it has; return how to find it."""
        if not burst.own:
            return f"session {burst.session} goes on until its teardown ends it"
        with suppress(StarburstError):
            end(self._connect()[0], burst, erase=False)
        return (
            f"results so far are kept: starburst.attach({burst.session!r}).collect(wait=False, "
            f"return_exceptions=True); `starburst stop {burst.session} --erase` erases them"
        )

    def _report(self, context: Mapping[str, Any], burst: Burst) -> None:
        """Write the report; a task does not fail for it."""
        if self.report is None:
            return
        try:
            write_report(self._connect()[0], burst.session, self.report)
        except StarburstError as error:
            self.log.warning("no report of session %s: %s", burst.session, error)
            return
        self._link = self.report_url or link_to(self.report)
        context["ti"].xcom_push(key=LINK_KEY, value=self._link)

    def _connect(self) -> tuple[Any, str]:
        place = StarburstHook(self.starburst_conn_id).place()
        return place.connect(), place.salt
