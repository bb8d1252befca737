/**
 * The other side's pictures and sound: one player for each camera and one for each screen. A screen is large, then the
 * agent's camera; the rest is small. Elements are kept: a picture must not stop because somebody else came.
 *
 * Events: `change` (who has a picture changed, or sound is blocked).
 */
import { make, setText } from "../pages/dom.js";
import { Emitter } from "../sdk/emitter.js";
import { Player } from "../sdk/player.js";

/**
 * @typedef {import("../sdk/lianmai.js").LianmaiRoom} LianmaiRoom
 * @typedef {import("../sdk/tracks.js").RemoteTrack} RemoteTrack
 * @typedef {import("./types.js").Person} Person
 * @typedef {{ id: string, identity: string, screen: boolean, box: HTMLDivElement, video: HTMLVideoElement, player: Player, tracks: Set<RemoteTrack> }} Picture
 */

/** @extends {Emitter<{ change: null }>} */
export class Pictures extends Emitter {
  element = make("div", "lm-pictures");
  /** @type {Map<string, Picture>} */
  #pictures = new Map();
  /** @type {LianmaiRoom | null} */
  #room = null;
  /** @type {readonly Person[]} */
  #people = [];
  #main = "";
  #state = "";
  /** @type {(() => void)[]} */
  #undo = [];

  /** @param {LianmaiRoom | null} room null: nothing is played */
  follow(room) {
    if (room === this.#room) return;
    for (const undo of this.#undo.splice(0)) undo();
    this.#room = room;
    if (room) {
      const update = () => this.#update();
      this.#undo.push(room.on("track", update), room.on("trackremoved", update), room.on("trackupdated", update), room.on("room", update));
    }
    this.#update();
  }

  /** @param {readonly Person[]} people on the other side, who matters most first */
  show(people) {
    this.#people = people;
    this.#update();
  }

  /** The large picture's element, or null. */
  get main() {
    return this.#pictures.get(this.#main)?.video ?? null;
  }

  /** The track in it, for marks. */
  get mainTrack() {
    const picture = this.#pictures.get(this.#main);
    return [...(picture?.tracks ?? [])].find(({ kind }) => kind === "video") ?? null;
  }

  /** Somebody can be seen. */
  get pictured() {
    return this.mainTrack !== null;
  }

  get blocked() {
    return [...this.#pictures.values()].some(({ player }) => player.blocked);
  }

  /** From a tap. */
  async unblock() {
    await Promise.allSettled([...this.#pictures.values()].map(({ player }) => player.unmute()));
    this.emit("change", null);
  }

  /** Elements that were moved to another window stand still. */
  wake() {
    for (const { video } of this.#pictures.values()) void video.play().catch(() => {});
  }

  close() {
    this.follow(null);
  }

  #update() {
    const order = this.#people.map(({ identity }) => identity);
    const byPeer = new Map(this.#people.flatMap(({ peer, identity }) => (peer ? [[peer, identity]] : [])));
    const tracks = [...(this.#room?.tracks.values() ?? [])].filter(({ peer }) => byPeer.has(peer));
    /** @type {Map<string, RemoteTrack[]>} */
    const wanted = new Map();
    for (const track of tracks) {
      const screen = track.source === "screen" || track.source === "screen_audio";
      const id = `${byPeer.get(track.peer)}:${screen ? "screen" : "camera"}`;
      wanted.set(id, [...(wanted.get(id) ?? []), track]);
    }
    for (const [id, picture] of this.#pictures) if (!wanted.has(id)) this.#drop(picture);
    for (const [id, list] of wanted) this.#play(id, list);
    this.#arrange(order);
    // Whoever hears of it shows again, and comes back here.
    const state = [...this.#pictures.values()].map(({ id, box }) => `${id} ${box.className}`).join();
    if (state === this.#state) return;
    this.#state = state;
    this.emit("change", null);
  }

  /**
   * @param {string} id
   * @param {readonly RemoteTrack[]} tracks
   */
  #play(id, tracks) {
    let picture = this.#pictures.get(id);
    if (!picture) {
      const video = make("video");
      const box = make("div", "lm-picture", video, make("span", "lm-picture-name truncate"));
      const split = id.lastIndexOf(":");
      picture = { id, identity: id.slice(0, split), screen: id.endsWith(":screen"), box, video, player: new Player(video, { over: true }), tracks: new Set() };
      picture.player.on("autoplayblocked", () => this.emit("change", null));
      picture.player.on("unmuted", () => this.emit("change", null));
      this.#pictures.set(id, picture);
      this.element.append(box);
    }
    for (const track of picture.tracks) {
      if (tracks.includes(track)) continue;
      picture.player.detach(track);
      picture.tracks.delete(track);
    }
    for (const track of tracks) {
      if (picture.tracks.has(track)) continue;
      picture.tracks.add(track);
      picture.player.attach(track);
    }
    const seen = tracks.some(({ kind, muted }) => kind === "video" && !muted);
    picture.box.classList.toggle("dark", !seen);
    picture.box.classList.toggle("screen", picture.screen);
  }

  /** @param {readonly string[]} order identities */
  #arrange(order) {
    const seen = [...this.#pictures.values()].filter(({ box }) => !box.classList.contains("dark"));
    const rank = (/** @type {Picture} */ { screen, identity }) => (screen ? 0 : 100) + Math.max(0, order.indexOf(identity));
    const [main] = seen.sort((a, b) => rank(a) - rank(b));
    this.#main = main?.id ?? "";
    const names = new Map(this.#people.map(({ identity, name }) => [identity, name]));
    let small = 0;
    for (const picture of this.#pictures.values()) {
      const large = picture.id === this.#main;
      picture.box.classList.toggle("main", large);
      // The large one's name is in the head.
      const [, label] = picture.box.children;
      if (label) setText(label, names.get(picture.identity) ?? "");
      if (large) picture.box.removeAttribute("data-small");
      else picture.box.dataset.small = String(picture.box.classList.contains("dark") ? -1 : small++);
    }
  }

  /** @param {Picture} picture */
  #drop(picture) {
    picture.player.close();
    picture.box.remove();
    this.#pictures.delete(picture.id);
  }
}
