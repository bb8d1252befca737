/**
 * One error class for everything that can go wrong, with a stable `code` (PROTOCOL.md section 4, or one from below)
 * and a `message` for a person in the chosen language.
 * @module
 */

/** @typedef {"zh-CN" | "en"} Locale */

/** Sentences for what the browser side finds out by itself; the server sends its own. */
const SENTENCES = Object.freeze({
  connection_failed: ["连接不上服务器，请检查网络后重试。", "The server cannot be reached. Check your network and try again."],
  connection_lost: ["连接中断，正在重连。", "The connection dropped; reconnecting."],
  session_lost: ["重连后会话已更新，请重试。", "The session was renewed after a reconnect; please try again."],
  not_connected: ["还没有连上房间。", "Not connected to the room yet."],
  timeout: ["服务器没有及时回应。", "The server did not answer in time."],
  closed: ["已离开房间。", "You have left the room."],
  busy: ["请求太多，请稍后再试。", "Too many requests at once; try again in a moment."],
  media_failed: ["音视频通道建立失败，正在重试。", "The media path could not be set up; trying again."],
  publish_failed: ["无法发布音视频，请重试。", "Your audio or video could not be published. Please try again."],
  unpublished: ["服务器停止了这路音视频。", "The server ended this audio or video."],
  off_stage: ["你已不在连麦中。", "You are not on stage any more."],
  call_ended: ["通话已结束。", "The call has ended."],
  call_not_found: ["没有进行中的通话。", "There is no such call."],
  muted_by_host: ["主播已将你静音，收到邀请后才能打开。", "The host muted you; you can unmute once you are asked to."],
  show_ended: ["直播已结束。", "The show has ended."],
  track_ended: ["设备已停止工作，请重新选择。", "The device stopped; please choose it again."],
  unsupported_browser: ["这个浏览器不支持实时音视频，请换用新版浏览器。", "This browser cannot do live media; please use a current one."],
  permission_denied: [
    "浏览器拒绝了摄像头或麦克风，请点地址栏的图标允许后重试。",
    "The browser blocked the camera or microphone. Allow it from the icon in the address bar, then try again.",
  ],
  no_device: ["没有找到摄像头或麦克风。", "No camera or microphone was found."],
  device_busy: ["设备正被其他程序占用。", "Another program is using the device."],
  device_lost: ["设备已断开，请重新连接或换一个。", "The device was disconnected. Plug it in again or choose another."],
  device_failed: ["设备无法打开，请换一个或重启浏览器。", "The device could not be opened. Try another one or restart the browser."],
  cancelled: ["已取消共享。", "Sharing was cancelled."],
  insecure_context: ["只有 https 页面可以使用摄像头和麦克风。", "Camera and microphone need a page opened over https."],
  internal: ["出了点问题，请重试。", "Something went wrong. Please try again."],
});

export class LianmaiError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] for a person; without it the code's own sentence in `locale`
   * @param {{ locale?: string | undefined, retryAfterS?: number | undefined, cause?: unknown }} [options]
   */
  constructor(code, message, { locale = "en", retryAfterS, cause } = {}) {
    super(message || sentence(code, locale), cause === undefined ? undefined : { cause });
    this.name = "LianmaiError";
    this.code = code;
    /** Seconds the server asks us to wait, if it said so. */
    this.retryAfterS = retryAfterS;
  }
}

/**
 * @param {string} code
 * @param {string} locale
 * @returns {string}
 */
export function sentence(code, locale) {
  const pair = /** @type {Record<string, readonly string[]>} */ (SENTENCES)[code] ?? SENTENCES.internal;
  return pair[locale.toLowerCase().startsWith("zh") ? 0 : 1] ?? code;
}

/**
 * Whatever was thrown, as a LianmaiError.
 * @param {unknown} error
 * @param {string} [code] for errors that are not ours
 * @param {string} [locale]
 * @returns {LianmaiError}
 */
export function asError(error, code = "internal", locale = "en") {
  if (error instanceof LianmaiError) return error;
  return new LianmaiError(code, undefined, { locale, cause: error });
}

/** @returns {string[]} every code with a sentence here */
export function localCodes() {
  return Object.keys(SENTENCES);
}
