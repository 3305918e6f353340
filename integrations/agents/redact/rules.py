"""The published shapes of credentials: one rule per kind, with the words that text must hold to be searched at all.

Sources are the providers' own descriptions of their token formats. Text that is JSON or a URL puts its escapes right in
front of a token (`\\nghp_…`, `%3Dghp_…`), so a rule's edge accepts those.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from integrations.agents.redact.values import is_placeholder, is_plain_words

#: The left edge of a token: no letter or digit before it, unless that belongs to an escape.
EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2}))"
#: A base64 or hex token ends where such characters end.
END = r"(?![A-Za-z0-9])"

#: Characters of a private key with its frame: 16,384-bit RSA has some 13,000.
LONGEST_KEY = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern`'s group `secret` is taken out; without that group, all of the match is. `hints` are in lower case.

    What stands in the secret's place may be a placeholder (`is_free`), or words that tell of a secret (`is_wordy`), and
    then it stays.
    """

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    is_free: bool = False
    is_wordy: bool = False

    def accepts(self, value: str) -> bool:
        return not (self.is_free and is_placeholder(value)) and not (
            self.is_wordy and is_plain_words(value, longest=10)
        )


def _token(name: str, pattern: str, *hints: str, edge: str = EDGE) -> Rule:
    return Rule(name, re.compile(edge + pattern), hints)


def _free(name: str, pattern: str, *hints: str, is_wordy: bool = False) -> Rule:
    return Rule(name, re.compile(pattern, re.IGNORECASE | re.MULTILINE), hints, is_free=True, is_wordy=is_wordy)


_PEM = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PEM_END = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
KEY_BEGIN, KEY_END = re.compile(_PEM), re.compile(_PEM_END)
#: A block that is cut off goes as far as its lines look like one: 16 or more base64 characters, whatever a diff, a
#: quotation, a line number or an escape puts around them.
_PEM_REST = (
    r"(?:(?:\\+[nr]|\r?\n)(?![^\n]{0,12}-----)[ \t>|+\-0-9:\"']{0,12}"
    r"(?:[A-Za-z0-9+/=]{16,}|(?=[A-Za-z]*[0-9=+/])[A-Za-z0-9+/]{1,15}={0,2}(?=[\s\\\"'`]|\Z))[\"',]{0,2})*"
)
_AUTHORIZATION = EDGE + r"(?:proxy-)?authorization\\*[\"']?[ \t]{0,3}[:=,][ \t]{0,3}\\*[\"']?"

RULES: tuple[Rule, ...] = (
    Rule(
        "private-key",
        re.compile(rf"{_PEM}(?:(?:(?!-----BEGIN )[\s\S]){{0,{LONGEST_KEY - 200}}}?{_PEM_END}|{_PEM_REST})"),
        ("private key",),
    ),
    _token(
        "aws-access-key",
        rf"(?:AKIA|ASIA|ABIA|ACCA|AIPA|AROA)[A-Z0-9]{{16}}{END}",
        "akia",
        "asia",
        "abia",
        "acca",
        "aipa",
        "aroa",
    ),
    _token(
        "github",
        r"(?:gh[opsur]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255})",
        "gho_",
        "ghp_",
        "ghs_",
        "ghu_",
        "ghr_",
        "github_pat_",
        edge="",
    ),
    _token("gitlab", r"gl(?:pat|dt|rt|cbt|ptt|oas|ft|soat|agent|imt|ffct)-[A-Za-z0-9_.-]{20,}", "gl", edge=""),
    _token(
        "slack-token",
        r"(?:xox[a-z](?:\.xox[a-z])?-(?:[0-9]-)?[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})",
        "xox",
        "xapp-",
        edge="",
    ),
    _token(
        "slack-webhook",
        r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/(?P<secret>[A-Za-z0-9/_+-]{20,})",
        "hooks.slack",
        edge="",
    ),
    _token("anthropic", r"sk-ant-[A-Za-z0-9_-]{16,}", "sk-ant-", edge=""),
    _token(
        "openai", r"sk-(?:(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{20,}|(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,})", "sk-"
    ),
    _token(
        "google",
        r"(?:AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,}|1//0[0-9A-Za-z_-]{40,})",
        "aiza",
        "ya29.",
        "gocspx-",
        "1//0",
    ),
    _token(
        "stripe", r"(?:[sr]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})", "k_live_", "k_test_", "whsec_"
    ),
    _token("npm", r"npm_[A-Za-z0-9]{30,}", "npm_"),
    _token("pypi", r"pypi-[A-Za-z0-9_-]{40,}", "pypi-"),
    _token("sendgrid", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}", "sg."),
    _token("twilio", rf"SK[0-9a-f]{{32}}{END}", "sk"),
    _token("hugging-face", r"(?:hf|api_org)_[A-Za-z0-9]{30,}", "hf_", "api_org_"),
    _token("digitalocean", r"do[oprt]_v1_[a-f0-9]{60,}", "_v1_"),
    _token("shopify", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shp"),
    _token("databricks", r"dapi[a-f0-9]{32}", "dapi"),
    _token("mailgun", rf"key-[0-9a-f]{{32}}{END}", "key-"),
    _token("mailchimp", rf"[0-9a-f]{{32}}-us[0-9]{{1,2}}{END}", "-us"),
    _token("telegram", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}", ":aa"),
    _token("discord", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}", "."),
    _token(
        "azure-storage",
        r"(?:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})",
        "accountkey=",
        "sharedaccesskey=",
    ),
    _token("age", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}", "age-secret-key-"),
    _token("linear", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}", "lin_"),
    _token("vault", r"hv[sbr]\.[A-Za-z0-9_-]{24,}", "hvs.", "hvb.", "hvr."),
    _token("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}", ".atlasv1."),
    _token("grafana", r"gl(?:sa|c)_[A-Za-z0-9+/=_-]{30,}", "glsa_", "glc_"),
    _token(
        "model-host",
        r"(?:gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37,})",
        "gsk_",
        "xai-",
        "pplx-",
        "r8_",
    ),
    _token("new-relic", r"NRAK-[A-Z0-9]{27}", "nrak-"),
    _token("notion", r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})", "ntn_", "secret_"),
    _token("sentry", r"sntry[su]_[A-Za-z0-9_=+/-]{40,}", "sntrys_", "sntryu_"),
    _token("jwt", r"eyJ[A-Za-z0-9_-]{8,}\.(?:[A-Za-z0-9_-]{0,2000}\.){1,3}[A-Za-z0-9_-]{8,}", "eyj"),
    _free(
        "url-password",
        EDGE
        + r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"<>\\]{0,200}:(?P<secret>[^\s/'\"<>\\]{3,500}?)(?=@[^\s@/]*(?:[\s/'\"<>\\]|\Z))",
        "://",
    ),
    _free("url-token", EDGE + r"https?://(?P<secret>(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{20,})@", "://"),
    _free(
        "authorization",
        _AUTHORIZATION
        + r"(?:bearer|basic|token|apikey|digest|negotiate)[ \t]+(?P<secret>[A-Za-z0-9._~+/=:-]{8,}+)(?![(\[])",
        "authorization",
        is_wordy=True,
    ),
    _free(
        "authorization",
        _AUTHORIZATION + r"(?<=[: \t\"'])(?P<secret>(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/=:-]{16,}+)(?![(\[])",
        "authorization",
        is_wordy=True,
    ),
    _free(
        "bearer",
        EDGE + r"(?:bearer|basic)[ \t]+(?P<secret>(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{16,}={0,2})",
        "bearer ",
        "basic ",
        is_wordy=True,
    ),
    _free(
        "curl-user",
        EDGE + r"curl\b[^\n|;]{0,300}?[ \t](?:-u|--user)[ \t=]?\\*[\"']?[^\s:\"'\\]{1,100}:(?P<secret>[^\s\"'\\]{3,})",
        "curl",
    ),
    _free("netrc", EDGE + r"login[ \t]+\S{1,200}[ \t]+password[ \t]+(?P<secret>[^\s\\]{3,})", "login"),
    _free(
        "netrc",
        EDGE + r"password[ \t]+(?P<secret>(?=[^\s\d]*\d)[^\s\\\"'`(){}<>]{6,})(?=[ \t]*(?:$|\\))",
        "password",
        is_wordy=True,
    ),
    _free(
        "cookie",
        EDGE + r"cookie\\*[\"']?:[ \t]*\\*[\"']?"
        r"(?P<secret>(?=[^\n\"'\\]{0,1000}?[\w.-]=(?=[A-Za-z%._~+/-]*[0-9])[A-Za-z0-9%._~+/-]{20})[^\n\"'\\]{1,8000})",
        "cookie",
    ),
)
