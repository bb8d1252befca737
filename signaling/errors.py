"""Every error that a client can see: one stable code, an HTTP status, a WebSocket close code, two sentences.

The sentences are for the person in front of the screen; programs look at the code only. A sentence may hold
``{placeholders}``; :class:`ApiError` fills them, and one that was not given is one of :data:`DEFAULTS` or empty.
"""

# Chinese sentences have Chinese punctuation.
from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal

Locale = Literal["zh-CN", "en"]
DEFAULT_LOCALE: Locale = "zh-CN"

CLOSE_NORMAL = 1000
CLOSE_POLICY = 1008


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """``status`` is HTTP; ``close`` the WebSocket close code (RFC 6455 section 7.4) if the error ends a session."""

    status: int
    zh: str
    en: str
    close: int = CLOSE_POLICY


ERRORS: dict[str, ErrorInfo] = {
    "bad_message": ErrorInfo(
        400, "消息有误：{subject_zh}{problem_zh}。", "The message is malformed: {subject_en} {problem_en}."
    ),
    "unknown_type": ErrorInfo(400, "没有名为 {name} 的消息。", "There is no message called {name}."),
    "message_too_large": ErrorInfo(
        413, "消息太大，上限是 {limit_kib} KiB。", "The message is too large; the limit is {limit_kib} KiB.", 1009
    ),
    "rate_limited": ErrorInfo(429, "操作太频繁，请稍后再试。", "Too many requests; please wait a moment."),
    "version_unsupported": ErrorInfo(
        400, "页面版本与服务器不一致，请刷新页面。", "This page and the server speak different versions; please reload."
    ),
    "join_required": ErrorInfo(409, "请先进入直播间。", "Join a room first."),
    "already_joined": ErrorInfo(409, "已经在直播间里了。", "This connection has already joined a room."),
    "join_timeout": ErrorInfo(408, "进入直播间超时，请重试。", "Joining took too long; please try again."),
    "request_timeout": ErrorInfo(504, "操作超时，请重试。", "The request took too long; please try again."),
    "token_missing": ErrorInfo(
        401, "缺少入场凭证，请从邀请链接进入。", "No access token; please use your invitation link."
    ),
    "token_invalid": ErrorInfo(
        401, "入场凭证无效，请重新获取链接。", "The access token is not valid; please get a new one."
    ),
    "token_expired": ErrorInfo(
        401, "入场凭证已过期，请重新获取链接。", "The access token has expired; please get a new one."
    ),
    "token_revoked": ErrorInfo(401, "入场凭证已被收回。", "The access token has been revoked."),
    "token_wrong_room": ErrorInfo(401, "入场凭证不属于这个直播间。", "The access token is for another room."),
    "forbidden": ErrorInfo(403, "您没有权限进行此操作。", "You are not allowed to do this."),
    "not_found": ErrorInfo(404, "找不到该页面。", "There is nothing at this address."),
    "method_not_allowed": ErrorInfo(405, "不支持这种请求方式。", "This address does not take that method."),
    "room_not_found": ErrorInfo(404, "直播间不存在。", "This room does not exist."),
    "room_exists": ErrorInfo(409, "直播间已存在。", "This room exists already."),
    "room_full": ErrorInfo(503, "直播间已满，请稍后再来。", "The room is full; please come back later."),
    "room_ended": ErrorInfo(410, "直播已结束。", "The show has ended."),
    "not_live": ErrorInfo(409, "直播还没有开始。", "Nothing is live here yet."),
    "identity_taken": ErrorInfo(409, "同一身份已在直播间里。", "Somebody is already in the room under this identity."),
    "identity_replaced": ErrorInfo(409, "您已在另一个页面进入直播间。", "You joined this room from another page."),
    "peer_removed": ErrorInfo(403, "您已被移出直播间。", "You were removed from the room."),
    "sdp_invalid": ErrorInfo(
        400, "无法读取媒体描述（{detail}）。", "The session description could not be read ({detail})."
    ),
    "no_common_codec": ErrorInfo(
        406, "您的设备与服务器没有共同的编码格式。", "Your device and the server have no codec in common."
    ),
    "codec_unsupported": ErrorInfo(406, "您的设备无法播放这路音视频。", "Your device cannot decode this track."),
    "track_not_found": ErrorInfo(404, "找不到这路音视频。", "There is no such track."),
    "transport_not_found": ErrorInfo(404, "媒体连接已不存在。", "There is no such media transport."),
    "peer_not_found": ErrorInfo(404, "找不到这位参与者。", "There is no such participant."),
    "session_not_found": ErrorInfo(404, "会话已不存在。", "There is no such session."),
    "track_limit": ErrorInfo(409, "音视频路数已达上限。", "Too many tracks."),
    "stale_answer": ErrorInfo(409, "应答已过时。", "The answer is for an older offer."),
    "not_on_stage": ErrorInfo(
        403, "您还没有上台，不能发送音视频。", "You are not on stage, so you cannot send sound or picture."
    ),
    "muted_by_host": ErrorInfo(
        403, "主播已将您静音，需主播邀请后才能打开。", "The host muted you; you can unmute when the host asks you to."
    ),
    "stage_full": ErrorInfo(409, "台上人数已满。", "The stage is full."),
    "stage_locked": ErrorInfo(409, "主播已锁定连麦。", "The host has locked the stage."),
    # Said of others, and to somebody who is there already.
    "already_on_stage": ErrorInfo(409, "已经在台上了。", "Already on stage."),
    "guest_not_found": ErrorInfo(404, "台上没有这位嘉宾。", "This person is not on stage."),
    "invitee_not_found": ErrorInfo(404, "找不到要邀请的人。", "There is nobody by this name to invite."),
    "invitee_offline": ErrorInfo(409, "对方不在线。", "This person is offline."),
    "invitee_busy": ErrorInfo(409, "对方正忙，请稍后再试。", "This person is busy; please try again later."),
    "nobody_available": ErrorInfo(409, "暂时没有空闲的客服。", "No agent is free at the moment."),
    "invite_not_found": ErrorInfo(404, "邀请不存在。", "There is no such invitation."),
    "invite_not_yours": ErrorInfo(403, "这不是发给您的邀请。", "This invitation is for somebody else."),
    "invite_answered": ErrorInfo(409, "这个邀请已经有了答复。", "This invitation has been answered already."),
    "invite_cancelled": ErrorInfo(410, "邀请已被取消。", "The invitation was cancelled."),
    "invite_expired": ErrorInfo(410, "邀请已过期。", "The invitation has expired."),
    "invite_failed": ErrorInfo(410, "邀请没有成功。", "The invitation did not work out."),
    "hands_closed": ErrorInfo(409, "主播没有开放举手。", "The host is not taking raised hands."),
    "room_required": ErrorInfo(
        409, "请先进入直播间再进行此操作。", "This works inside a room only; join the room first."
    ),
    "chat_muted": ErrorInfo(403, "您已被禁言。", "You may not write in this chat for now."),
    "chat_slow_mode": ErrorInfo(429, "慢速模式：请稍后再发。", "Slow mode is on; please wait before writing again."),
    "chat_too_fast": ErrorInfo(429, "发送太快，请稍后再发。", "You are writing too fast; please wait a moment."),
    "message_not_found": ErrorInfo(404, "这条消息已不存在。", "This message is no longer there."),
    "call_not_found": ErrorInfo(404, "找不到这次通话。", "There is no such call."),
    "not_in_call": ErrorInfo(403, "您不在这次通话里。", "You are not in this call."),
    "call_ended": ErrorInfo(410, "通话已经结束。", "This call has ended."),
    "call_answered": ErrorInfo(409, "其他客服已经接听。", "Another agent has taken this call."),
    "already_in_call": ErrorInfo(
        409, "您已有一个进行中的求助，请先结束它。", "You have another call going on; end that one first."
    ),
    "queue_unknown": ErrorInfo(404, "没有这个客服队列。", "There is no such help queue."),
    "queue_closed": ErrorInfo(409, "现在不在服务时间，可以预约回电。", "We are closed now; you can leave a callback."),
    "queue_full": ErrorInfo(503, "咨询的人太多了，我们稍后给您回电。", "We are very busy; let us call you back."),
    "agent_busy": ErrorInfo(409, "这位客服正忙。", "This agent is busy."),
    "agent_offline": ErrorInfo(409, "这位客服不在线。", "This agent is offline."),
    "agent_not_found": ErrorInfo(404, "找不到这位客服。", "There is no such agent."),
    "wrong_state": ErrorInfo(409, "通话当前的状态不支持这个操作。", "This cannot be done at this point of the call."),
    "transfer_pending": ErrorInfo(409, "正在转接中。", "A transfer is already under way."),
    "transfer_open": ErrorInfo(
        409, "顾客还没有转接给您，转接完成后才能写字和标注。", "The shopper is not yours yet; write and draw once the transfer is complete."
    ),
    "consent_pending": ErrorInfo(409, "正在等待顾客的答复。", "The shopper has been asked and has not answered yet."),
    "consent_expired": ErrorInfo(410, "顾客没有及时答复上台邀请。", "The shopper did not answer in time."),
    "not_in_show": ErrorInfo(409, "这次通话不在直播间里，不能上台。", "This call is not in a live room."),
    "envelope_invalid": ErrorInfo(400, "商城传来的信息无法读取。", "What the shop sent along could not be read."),
    "envelope_foreign": ErrorInfo(
        403, "商城传来的信息不属于您或签名不对。", "What the shop sent along is not for you, or its signature is wrong."
    ),
    "envelope_expired": ErrorInfo(401, "页面停留太久，请刷新后再试。", "The page is too old; please reload it."),
    "envelope_replayed": ErrorInfo(
        409, "这条信息已经用过，请刷新页面。", "This was used already; please reload the page."
    ),
    "file_too_large": ErrorInfo(
        413, "文件太大，上限是 {limit_mb} MB。", "The file is too large; the limit is {limit_mb} MB."
    ),
    "file_type": ErrorInfo(
        415, "只能发送图片（JPEG、PNG、WebP）和 PDF。", "Only pictures (JPEG, PNG, WebP) and PDF can be sent."
    ),
    "file_broken": ErrorInfo(
        422, "文件损坏，或内容与类型不符。", "The file is damaged or is not what it claims to be."
    ),
    "file_limit": ErrorInfo(409, "这次通话的文件数量已达上限。", "This call has as many files as it can hold."),
    "file_not_found": ErrorInfo(404, "文件不存在。", "There is no such file."),
    "mark_invalid": ErrorInfo(400, "标注超出画面或格式不对。", "The mark is outside the picture or malformed."),
    "mark_limit": ErrorInfo(429, "标注太多，请先清除一些。", "Too many marks; please clear some first."),
    "rating_closed": ErrorInfo(410, "评价已截止。", "This call can no longer be rated."),
    "callback_invalid": ErrorInfo(
        400, "请选择将来 14 天内的回电时间。", "Please choose a time within the next 14 days."
    ),
    "link_expired": ErrorInfo(
        410, "链接已失效，请向客服要一个新的。", "This link has expired; please ask for a new one."
    ),
    "recording_not_found": ErrorInfo(404, "找不到这段录制。", "There is no such recording."),
    "recording_erased": ErrorInfo(410, "这段录制已被删除。", "This recording has been erased."),
    "recording_not_ready": ErrorInfo(409, "录制还在处理中，请稍后再来。", "This recording is still being prepared."),
    "recording_held": ErrorInfo(
        409, "这段录制已被依法保留，不能删除。", "This recording is under legal hold and cannot be erased."
    ),
    "recording_refused": ErrorInfo(409, "有人尚未同意录制。", "Somebody has not agreed to being recorded."),
    "recording_off": ErrorInfo(409, "这里没有开启录制。", "Nothing is recorded here."),
    "consent_version": ErrorInfo(
        409, "录制说明已更新，请重新阅读后再同意。", "The text about recording has changed; please read it again."
    ),
    "playback_key_invalid": ErrorInfo(401, "播放链接已失效，请重新打开。", "This playback link is no longer valid."),
    "playback_key_foreign": ErrorInfo(403, "播放链接不属于您。", "This playback link belongs to somebody else."),
    "range_invalid": ErrorInfo(416, "请求的片段超出了文件范围。", "The requested range lies outside of the file."),
    "template_not_found": ErrorInfo(404, "找不到这个评分表。", "There is no such scorecard."),
    "template_changed": ErrorInfo(
        409, "评分表已更新，请核对后再提交。", "The scorecard has changed; please check before you submit."
    ),
    "answer_invalid": ErrorInfo(
        400, "评分项“{field}”没有填写或不符合要求。", "The answer to “{field}” is missing or does not fit."
    ),
    "comment_required": ErrorInfo(400, "评分项“{field}”需要填写说明。", "The answer to “{field}” needs a comment."),
    "comment_not_found": ErrorInfo(404, "找不到这条评论。", "There is no such comment."),
    "review_not_found": ErrorInfo(404, "找不到这份质检评分。", "There is no such review."),
    "review_submitted": ErrorInfo(
        409, "这份质检评分当前不能这样修改。", "This review can no longer, or not yet, be changed in this way."
    ),
    "review_not_yours": ErrorInfo(403, "这份质检评分不归您处理。", "This review is not yours to handle."),
    "sample_invalid": ErrorInfo(
        400, "抽样条件有误，或没有可抽的录制。", "The sample does not fit, or there is nothing to draw from."
    ),
    "store_unavailable": ErrorInfo(
        503, "暂时无法保存，请稍后再试。", "This could not be saved just now; please try again."
    ),
    "etag_mismatch": ErrorInfo(412, "会话已变化，请刷新后重试。", "The session has changed since."),
    "precondition_required": ErrorInfo(428, "请求缺少 If-Match。", "The request needs an If-Match header."),
    "unsupported_media_type": ErrorInfo(415, "不支持的内容类型。", "The content type is not supported."),
    "worker_unavailable": ErrorInfo(
        503, "媒体服务正在重启，马上恢复。", "The media service is restarting and will be back in a moment."
    ),
    "slow_consumer": ErrorInfo(
        503, "网络太慢，连接已断开，正在重连。", "The connection was too slow to keep up and was closed.", 1013
    ),
    "idle_timeout": ErrorInfo(408, "长时间没有收到数据，连接已断开。", "Nothing was heard for a while.", 4408),
    "server_restart": ErrorInfo(503, "服务器正在重启，请稍候。", "The server is restarting; please wait.", 1012),
    "internal": ErrorInfo(
        500, "服务器内部错误（编号 {incident}）。", "Something went wrong on our side (incident {incident}).", 1011
    ),
}

PROBLEMS: dict[str, tuple[str, str]] = {
    "missing": ("缺失", "is missing"),
    "type": ("类型不对", "has the wrong type"),
    "range": ("超出范围", "is out of range"),
    "choice": ("取值不对", "is not one of the allowed values"),
    "json": ("不是有效的 JSON", "is not valid JSON"),
}


#: What a placeholder reads as when nobody says otherwise.
DEFAULTS = {"limit_kib": "64", "limit_mb": "10"}


class ApiError(Exception):
    """A refusal with a stable ``code`` from :data:`ERRORS`.

    ``retry_after_s`` tells a client when to try again; ``arguments`` fill the sentence, and among them ``field`` names
    the wrong field of a ``bad_message``.
    """

    def __init__(self, code: str, *, retry_after_s: float | None = None, **arguments: Any) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s
        self.arguments = arguments

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence('en')}"

    @property
    def info(self) -> ErrorInfo:
        """The table's row; an unknown code reads as ``internal``."""
        return ERRORS.get(self.code, ERRORS["internal"])

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.info.status

    def sentence(self, locale: Locale) -> str:
        """One sentence for a person, in ``locale``."""
        template = self.info.zh if locale == "zh-CN" else self.info.en
        return template.format_map(defaultdict(str, DEFAULTS | self.arguments))

    def body(self, locale: Locale) -> dict[str, Any]:
        """``code``, ``message`` and, where they exist, ``field``, ``opens_at`` and ``retry_after_s``."""
        result: dict[str, Any] = {"code": self.code, "message": self.sentence(locale)}
        for name in ("field", "opens_at"):
            if name in self.arguments:
                result[name] = self.arguments[name]
        if self.retry_after_s is not None:
            result["retry_after_s"] = round(self.retry_after_s, 3)
        return result


def bad_message(field: str, problem: str) -> ApiError:
    """``bad_message`` for one field, or for the whole with ``field`` empty; ``problem`` is a key of :data:`PROBLEMS`."""
    zh, en = PROBLEMS[problem]
    subject_zh, subject_en = (f"字段 {field} ", f"field {field}") if field else ("内容", "it")
    return ApiError(
        "bad_message", field=field, subject_zh=subject_zh, subject_en=subject_en, problem_zh=zh, problem_en=en
    )


def as_locale(value: str | None) -> Locale:
    """Pick a locale from a BCP 47 tag or an Accept-Language header: any English first means ``en``, else ``zh-CN``."""
    for part in (value or "").split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return DEFAULT_LOCALE


def known(code: str) -> str:
    """``code`` if the table has it, else ``internal``: no code leaves the Node that PROTOCOL.md does not list."""
    return code if code in ERRORS else "internal"
