/**
 * Plays a call: the shopper big, ourselves and every colleague as small tiles. One player per person, so that a voice
 * goes on when its picture does not.
 *
 * Events: `change` (a first picture, a freeze, blocked sound: render again).
 */
import { Emitter } from "../sdk/emitter.js";
import { Player } from "../sdk/player.js";
import { seatWord } from "./agent-help-words.js";
import { Annotate } from "./components/annotate.js";
import { avatar } from "./components/avatar.js";
import { icon, make, setText } from "./dom.js";
import { t } from "./locale.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/help.js").HelpLine} HelpLine
 * @typedef {{ help: HelpLine, me: string }} Marks what is drawn on pictures, and by whom of us
 * @typedef {import("../sdk/tracks.js").RemoteTrack} RemoteTrack
 * @typedef {import("./agent-help-view.js").Shown} Shown
 * @typedef {import("./capture.js").Capture} Capture
 */

/** One person's tracks in one video element. */
class Voice {
  #player;
  #video;
  #changed;
  /** @type {Set<RemoteTrack>} */
  #tracks = new Set();
  frozen = false;
  seen = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {() => void} changed
   */
  constructor(video, changed) {
    this.#video = video;
    this.#changed = changed;
    this.#player = new Player(video);
    this.#player.on("freeze", () => {
      this.frozen = true;
      changed();
    });
    this.#player.on("unfreeze", () => {
      this.frozen = false;
      changed();
    });
    this.#player.on("autoplayblocked", changed);
    this.#player.on("unmuted", changed);
  }

  get blocked() {
    return this.#player.blocked;
  }

  /** @param {readonly RemoteTrack[]} wanted */
  play(wanted) {
    const before = this.#picture;
    for (const track of [...this.#tracks]) {
      if (wanted.includes(track)) continue;
      this.#tracks.delete(track);
      this.#player.detach(track);
    }
    for (const track of wanted) {
      if (this.#tracks.has(track)) continue;
      this.#tracks.add(track);
      this.#player.attach(track);
    }
    const picture = this.#picture;
    if (picture === before) return;
    this.seen = false;
    this.frozen = false;
    if (picture) this.#watch(picture);
  }

  /** What this one shows. @returns {RemoteTrack | undefined} */
  get #picture() {
    return [...this.#tracks].find(({ kind }) => kind === "video");
  }

  /** The same element shows one picture after the other: each is waited for. @param {RemoteTrack} picture */
  #watch(picture) {
    const drawn = () => {
      if (this.#picture !== picture) return;
      this.seen = true;
      this.#changed();
    };
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(drawn);
    else this.#video.addEventListener("timeupdate", drawn, { once: true });
  }

  async unblock() {
    await this.#player.unmute();
  }

  close() {
    this.#player.close();
  }
}

/** @extends {Emitter<{ change: null }>} */
export class CallPictures extends Emitter {
  /** The shopper's picture, or the shared screen in its place. */
  main = make("video", "hc-main");
  /** Everybody small. */
  strip = make("ul", "hc-strip");
  #main = new Voice(this.main, () => this.emit("change", null));
  /** The shopper's face while their screen is big. */
  #face = new Tile("shopper-camera", () => this.emit("change", null));
  #own = new OwnTile();
  /** @type {Map<string, Tile>} */
  #others = new Map();

  constructor() {
    super();
    this.main.playsInline = true;
    this.strip.append(this.#own.root);
  }

  /** The shopper's picture has been drawn since it came. */
  get seen() {
    return this.#main.seen;
  }

  /** The shopper's picture stands although it should move. */
  get frozen() {
    return this.#main.frozen;
  }

  /** The browser refused sound until the person presses something. */
  get blocked() {
    return this.#voices.some((voice) => voice.blocked);
  }

  get #voices() {
    return [this.#main, this.#face.voice, ...[...this.#others.values()].map(({ voice }) => voice)];
  }

  async unblock() {
    await Promise.allSettled(this.#voices.map((voice) => voice.unblock()));
  }

  /**
   * @param {{ room: LianmaiRoom, help: HelpLine }} visit
   * @param {{ shopper: Shown, others: readonly Shown[] }} people
   * @param {{ capture: Capture | null, name: string, hidden: boolean }} own
   */
  show({ room, help }, { shopper, others }, own) {
    const marks = { help, me: room.self?.identity ?? "" };
    const tracks = (/** @type {(string | null)[]} */ ids) => {
      return ids.flatMap((id) => (id === null ? [] : [room.tracks.get(id)])).filter((track) => track !== undefined);
    };
    const big = shopper.screen ?? shopper.picture;
    this.#main.play(tracks([big, ...shopper.sounds]));
    const both = shopper.screen !== null && shopper.picture !== null;
    this.#face.show({ ...shopper, screen: null, sounds: [] }, tracks([both ? shopper.picture : null]), marks);
    this.#place(this.#face.root, both);
    for (const [identity, tile] of this.#others) {
      if (others.some((person) => person.identity === identity)) continue;
      tile.close();
      this.#others.delete(identity);
    }
    for (const person of others) {
      const tile = this.#others.get(person.identity) ?? new Tile(person.identity, () => this.emit("change", null));
      this.#others.set(person.identity, tile);
      tile.show(person, tracks([person.screen ?? person.picture, ...person.sounds]), marks);
      this.#place(tile.root, true);
    }
    const source = own.capture?.screen ? "screen" : "camera";
    const sent = [...room.localTracks].find((local) => local.source === source)?.id ?? null;
    this.#own.show(own, sent, marks);
  }

  /** @param {HTMLElement} element @param {boolean} shown */
  #place(element, shown) {
    if (!shown) element.remove();
    else if (element.parentElement !== this.strip) this.strip.insertBefore(element, this.#own.root);
  }

  close() {
    for (const voice of this.#voices) voice.close();
    for (const tile of this.#others.values()) tile.close();
    this.#others.clear();
    this.#own.close();
  }
}

/** Marks on a small picture: to be seen, not made. @param {HTMLVideoElement} video */
function marksOver(video) {
  const annotate = new Annotate();
  return Object.assign(annotate, { minor: true, readonly: true, video });
}

class Tile {
  #video = make("video");
  #marks = marksOver(this.#video);
  #face = make("div", "hc-tile-face");
  #icon = icon("mic-off");
  #name = make("span", "truncate");
  #word = make("span", "hc-tile-word");
  root;
  voice;

  /**
   * @param {string} id
   * @param {() => void} changed
   */
  constructor(id, changed) {
    this.#video.playsInline = true;
    this.voice = new Voice(this.#video, changed);
    this.root = make("li", "hc-tile", this.#video, this.#marks, this.#face, this.#word, make("span", "hc-tile-name", this.#icon, this.#name));
    this.root.dataset.person = id;
  }

  /**
   * @param {Shown} person
   * @param {readonly RemoteTrack[]} tracks
   * @param {Marks} marks
   */
  show({ name, side, mode, state, micMuted }, tracks, marks) {
    this.voice.play(tracks);
    const target = tracks.find(({ kind }) => kind === "video")?.id ?? null;
    const picture = target !== null;
    Object.assign(this.#marks, marks, { target });
    this.#video.hidden = !picture;
    this.#face.hidden = picture;
    if (this.#face.dataset.name !== name) {
      this.#face.dataset.name = name;
      this.#face.replaceChildren(avatar(name));
    }
    setText(this.#name, name);
    this.#icon.toggleAttribute("hidden", !micMuted || mode === "ring" || mode === "listen");
    const word = side === "shopper" ? "" : state === "reconnecting" ? t("seat.reconnecting") : seatWord(side, mode);
    setText(this.#word, word);
    this.root.classList.toggle("ringing", mode === "ring");
    this.root.classList.toggle("lost", state === "reconnecting");
    this.root.title = [name, word].filter(Boolean).join(" · ");
  }

  close() {
    this.voice.close();
    this.root.remove();
  }
}

class OwnTile {
  #video = make("video");
  #marks = marksOver(this.#video);
  #face = make("div", "hc-tile-face");
  #icon = icon("mic-off");
  #name = make("span", "truncate");
  #word = make("span", "hc-tile-word");
  root = make("li", "hc-tile own", this.#video, this.#marks, this.#face, this.#word, make("span", "hc-tile-name", this.#icon, this.#name));

  constructor() {
    this.#video.playsInline = true;
    this.#video.autoplay = true;
    this.#video.muted = true;
    this.#video.disablePictureInPicture = true;
  }

  /**
   * @param {{ capture: Capture | null, name: string, hidden: boolean }} own
   * @param {string | null} target the track that others see of us
   * @param {Marks} marks
   */
  show({ capture, name, hidden }, target, marks) {
    this.root.hidden = hidden;
    Object.assign(this.#marks, marks, { target });
    const screen = capture?.screen?.video ?? null;
    const camera = capture && !capture.off.camera ? capture.tracks.camera : null;
    const track = screen ?? camera;
    const playing = this.#video.srcObject instanceof MediaStream ? (this.#video.srcObject.getVideoTracks()[0] ?? null) : null;
    if (playing !== track) this.#video.srcObject = track ? new MediaStream([track]) : null;
    this.#video.hidden = track === null;
    this.#video.classList.toggle("mirrored", track !== null && track === camera && track.getSettings().facingMode !== "environment");
    this.#face.hidden = track !== null;
    if (this.#face.dataset.name !== name) {
      this.#face.dataset.name = name;
      this.#face.replaceChildren(avatar(name));
    }
    setText(this.#name, t("seat.me"));
    setText(this.#word, screen ? t("seat.sharing") : "");
    this.#icon.toggleAttribute("hidden", capture !== null && capture.tracks.microphone !== null && !capture.off.microphone);
  }

  close() {
    this.#video.srcObject = null;
  }
}
