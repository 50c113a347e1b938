"""Signing in, and being asked to wait."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class AccessWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

    title: str
    name: str
    password: str
    sign_in: str
    sign_out: str
    wrong: str
    many_attempts: str
    unavailable: str
    too_fast: str
    busy: str


TEXTS: dict[Language, AccessWording] = {
    "zh": AccessWording(
        title="论文日报问答 · 登录",
        name="用户名",
        password="密码",  # noqa: S106 - a label
        sign_in="登录",
        sign_out="退出",
        wrong="用户名或密码不对。",
        many_attempts="尝试次数太多，请 {seconds} 秒后再试。",
        unavailable="现在无法登录，服务器日志里写明了原因；请联系管理员。",
        too_fast="提问太快：每分钟最多 {rate} 次，请 {seconds} 秒后再试。",
        busy="正在排队的请求太多，请 {seconds} 秒后再试。",
    ),
    "en": AccessWording(
        title="Paper chatbot · sign in",
        name="Name",
        password="Password",  # noqa: S106 - a label
        sign_in="Sign in",
        sign_out="Sign out",
        wrong="The name or the password is not right.",
        many_attempts="Too many attempts; try again in {seconds} seconds.",
        unavailable="Nobody can sign in now; the server's log says why. Tell whoever runs it.",
        too_fast="Too many questions: at most {rate} a minute. Try again in {seconds} seconds.",
        busy="Too many requests are waiting; try again in {seconds} seconds.",
    ),
}
