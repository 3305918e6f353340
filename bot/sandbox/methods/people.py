"""Who is who: `auth.test`, `bots.info`, `team.info`, `users.*`, `dnd.info`, and the two ways to a token."""

from __future__ import annotations

from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler, page
from bot.sandbox.models import APP_ID, BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID, TEAM_NAME, Payload, Person


def api_test(call: Call) -> Payload:
    """Answers with what it was given; with `error`, answers that error."""
    error = call.text("error")
    if error:
        return {"ok": False, "error": error, "args": dict(call.args)}
    return {"args": dict(call.args)}


def auth_test(call: Call) -> Payload:
    return {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": TEAM_NAME,
        "user": call.workspace.people[BOT_USER_ID].name,
        "team_id": TEAM_ID,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def bots_info(call: Call) -> Payload:
    if call.text("bot") != BOT_ID:
        raise SlackError("bot_not_found")
    bot = {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER_ID, "name": "Cosession", "deleted": False, "updated": 0}
    return {"bot": bot}


def openid_token(call: Call) -> Payload:
    return call.workspace.sign_ins.exchange({name: str(value) for name, value in call.args.items()})


def oauth_access(call: Call) -> Payload:
    return call.workspace.installs.exchange({name: str(value) for name, value in call.args.items()})


def team_info(call: Call) -> Payload:
    if call.text("team") not in (None, "", TEAM_ID):
        raise SlackError("team_not_found")
    team: Payload = {
        "id": TEAM_ID,
        "name": TEAM_NAME,
        "domain": TEAM_DOMAIN,
        "email_domain": "acme.example",
        "icon": {},
    }
    return {"team": team}


def users_info(call: Call) -> Payload:
    return {"user": _shown(call, _person(call, str(call.args["user"])))}


def users_list(call: Call) -> Payload:
    found, more = page(call, list(call.workspace.people.values()), default=1000)
    return {"members": [_shown(call, person) for person in found], "cache_ts": 0, **more}


def lookup_by_email(call: Call) -> Payload:
    wanted = str(call.args["email"]).lower()
    for person in call.workspace.people.values():
        if person.email.lower() == wanted and not person.deleted and not person.is_bot:
            return {"user": _shown(call, person)}
    raise SlackError("users_not_found")


def profile_get(call: Call) -> Payload:
    person = _person(call, call.text("user") or BOT_USER_ID)
    return {"profile": _shown(call, person)["profile"]}


def dnd_info(call: Call) -> Payload:
    """Nobody in the sandbox sleeps by a timetable; whoever snoozes does not want to be disturbed until then."""
    person = _person(call, call.text("user") or BOT_USER_ID)
    answer: Payload = {"dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1, "snooze_enabled": False}
    left = person.snoozes_until - int(call.workspace.clock().timestamp())
    if left > 0:
        answer |= {"snooze_enabled": True, "snooze_endtime": person.snoozes_until, "snooze_remaining": left}
    return answer


def _person(call: Call, user_id: str) -> Person:
    found = call.workspace.people.get(user_id)
    if found is None:
        raise SlackError("user_not_found")
    return found


def _shown(call: Call, person: Person) -> Payload:
    return person.user_object(with_email="users:read.email" in call.scopes)


HANDLERS: dict[str, Handler] = {
    "api.test": api_test,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "oauth.v2.access": oauth_access,
    "openid.connect.token": openid_token,
    "team.info": team_info,
    "users.info": users_info,
    "users.list": users_list,
    "users.lookupByEmail": lookup_by_email,
    "users.profile.get": profile_get,
    "dnd.info": dnd_info,
}
