"""Starts processes that make digests and send mail, quickly and for being killed: everything is imported once, and each
is a fork of this one. Told what to do on standard input, a line each; see `tests/jobs/test_digest_kills.py`.

    go SECONDS      forks one whose clock is that far ahead of the real one, and prints its id
    wait ID         prints `done` once that one has ended
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from email.headerregistry import Address

from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.unsubscribing import UnsubscribeTokens
from integrations.mail.letter import LetterWriter
from integrations.mail.mailer import TemplateMailer
from integrations.mail.settings import SmtpSettings
from integrations.mail.smtp import SmtpTransport
from jobs.mail_sender import MailSender
from jobs.schedule import TIMETABLE
from jobs.scheduler import Scheduler


async def work(database_url: str, smtp_port: int, ahead: timedelta) -> None:
    """One round of what a process does all the time."""

    def clock():
        return system_clock() + ahead

    process_id = f"prc_{os.getpid()}"
    db = Database(open_engine(database_url), clock)
    db.start()
    writer = LetterWriter("http://c.test", Address("C", addr_spec="c@example.com"), UnsubscribeTokens("key"))
    mailer = TemplateMailer(writer, SmtpTransport(SmtpSettings("127.0.0.1", smtp_port, starttls=False)), clock)
    scheduler = Scheduler(db, clock, process_id)
    await scheduler.run(next(job for job in TIMETABLE if job.name == "digests"))
    sender = MailSender(db, clock, mailer, lambda _tx, _mail: {}, process_id)
    while await sender.send_due():
        pass
    await mailer.rest()
    await db.close()


def main() -> None:
    database_url, smtp_port = sys.argv[1], int(sys.argv[2])
    for line in sys.stdin:
        word, value = line.split()
        if word == "go":
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    asyncio.run(work(database_url, smtp_port, timedelta(seconds=float(value))))
                    code = 0
                finally:
                    os._exit(code)
            print(pid, flush=True)  # noqa: T201
        else:
            _, status = os.waitpid(int(value), 0)
            print(f"done {os.waitstatus_to_exitcode(status)}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
