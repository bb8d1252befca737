/**
 * The row under the pictures: play, jumps, where we are, how fast, whose voice how loud, marks for a clip.
 *
 *   controls.open(playback, voices);  controls.render()       emits `stop` {way}, `clip`, `comment`, `link`, `keys`, `full`, `zoom` {factor}
 */
import { icon, make, setIcon, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";
import { RATES } from "../review-clock.js";
import { sideWord, timeWords } from "../review-words.js";

/** @typedef {import("../review-playback.js").Playback} Playback */

/** @param {string} name @param {() => void} run @param {string} [className] */
function press(name, run, className = "") {
  const element = make("button", `button small quiet rv-press ${className}`, icon(name));
  element.type = "button";
  element.addEventListener("click", run);
  return element;
}

export class ReviewControls extends HTMLElement {
  /** @type {Playback | null} */
  #playback = null;
  /** @type {{ identity: string, name: string, side: string }[]} */
  #voices = [];
  #play = press("play", () => this.#playback?.toggle(), "rv-play");
  #back = press("undo", () => this.#playback?.step(-10), "rv-narrow-off");
  #before = press("arrow", () => this.#tell("stop", { way: -1 }), "rv-flip");
  #after = press("arrow", () => this.#tell("stop", { way: 1 }));
  #time = make("span", "rv-time number");
  #rate = make("select", "select rv-rate");
  #silence = make("button", "button small quiet rv-toggle");
  #people = make("button", "button small quiet rv-toggle", icon("volume"));
  #list = make("div", "rv-voices");
  #comment = press("chat", () => this.#tell("comment"), "rv-words");
  #clip = press("clip", () => this.#tell("clip"), "rv-words");
  #link = press("link", () => this.#tell("link"));
  #closer = press("zoom", () => this.#tell("zoom", { factor: 2 }), "rv-narrow-off");
  #wider = press("flip", () => this.#tell("zoom", { factor: 0.0001 }), "rv-narrow-off");
  #keys = press("keyboard", () => this.#tell("keys"), "rv-narrow-off");
  #full = press("fullscreen", () => this.#tell("full"));
  #shown = "";
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => {
      this.#shown = "";
      this.#words();
      this.render();
    });
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {Playback} playback @param {{ identity: string, name: string, side: string }[]} voices */
  open(playback, voices) {
    this.#playback = playback;
    this.#voices = voices;
    playback.on("state", () => this.render());
    this.#words();
    this.render();
  }

  #build() {
    this.#silence.type = this.#people.type = "button";
    const left = make("div", "rv-group", this.#play, this.#back, this.#before, this.#after, this.#time);
    const middle = make("div", "rv-group", this.#rate, this.#silence, make("div", "rv-people", this.#people, this.#list));
    const right = make("div", "rv-group rv-right", this.#comment, this.#clip, this.#link, this.#closer, this.#wider, this.#keys, this.#full);
    this.append(left, middle, right);
    this.setAttribute("role", "toolbar");
    this.#list.hidden = true;
    this.#rate.append(...RATES.map((rate) => new Option(`${rate}×`, String(rate), rate === 1, rate === 1)));
    this.#rate.addEventListener("change", () => {
      if (this.#playback) this.#playback.rate = Number(this.#rate.value);
    });
    this.#silence.addEventListener("click", () => {
      if (!this.#playback) return;
      this.#playback.skipSilence = !this.#playback.skipSilence;
      this.render();
    });
    this.#people.addEventListener("click", () => this.#toggle(this.#list.hidden !== false));
    this.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#list.hidden) return;
      event.stopPropagation();
      this.#toggle(false);
      this.#people.focus();
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.#people.contains(event.target) && !this.#list.contains(event.target)) this.#toggle(false);
    });
  }

  /** @param {boolean} open */
  #toggle(open) {
    this.#list.hidden = !open;
    this.#people.setAttribute("aria-expanded", String(open));
    if (open) this.#renderVoices();
  }

  #words() {
    this.setAttribute("aria-label", t("review.controls"));
    const name = (/** @type {HTMLElement} */ element, /** @type {string} */ words) => {
      element.setAttribute("aria-label", words);
      element.title = words;
    };
    name(this.#back, t("review.back_10"));
    name(this.#before, t("review.stop_before"));
    name(this.#after, t("review.stop_after"));
    name(this.#rate, t("review.rate"));
    name(this.#link, t("review.copy_link"));
    name(this.#closer, t("review.zoom_in"));
    name(this.#wider, t("review.zoom_whole"));
    name(this.#keys, t("keys.title"));
    name(this.#full, t("live.fullscreen_on"));
    for (const [element, words] of /** @type {const} */ ([[this.#comment, t("review.comment_here")], [this.#clip, t("review.clip_make")]])) {
      const [picture] = element.children;
      element.replaceChildren(...(picture ? [picture] : []), make("span", "", words));
      name(element, words);
    }
    this.#silence.replaceChildren(make("span", "", t("review.skip_silence")));
    this.#people.replaceChildren(icon("volume"), make("span", "", t("review.voices")));
    this.#people.setAttribute("aria-expanded", String(!this.#list.hidden));
  }

  render() {
    const playback = this.#playback;
    if (!playback) return;
    const { playing } = playback.clock;
    const at = `${timeWords(playback.t)} / ${timeWords(playback.clock.duration)}`;
    setText(this.#time, at);
    const shown = JSON.stringify([playing, playback.rate, playback.skipSilence, playback.silent]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const picture = this.#play.querySelector("svg");
    if (picture) setIcon(picture, playing ? "pause" : "play");
    const word = playing ? t("review.pause") : t("review.play");
    this.#play.setAttribute("aria-label", word);
    this.#play.title = word;
    this.#rate.value = String(playback.rate);
    this.#silence.setAttribute("aria-pressed", String(playback.skipSilence));
    const sound = this.#people.querySelector("svg");
    if (sound) setIcon(sound, playback.silent ? "volume-off" : "volume");
    if (!this.#list.hidden) this.#renderVoices();
  }

  #renderVoices() {
    const playback = this.#playback;
    if (!playback || this.#list.contains(document.activeElement)) return;
    this.#list.replaceChildren(
      ...this.#voices.map(({ identity, name, side }, index) => {
        const off = make("input");
        off.type = "checkbox";
        off.checked = !playback.isOff(identity);
        off.addEventListener("change", () => playback.setOff(identity, !off.checked));
        const volume = make("input", "rv-volume");
        volume.type = "range";
        volume.max = "100";
        volume.value = String(Math.round(playback.volumeOf(identity) * 100));
        volume.setAttribute("aria-label", t("review.volume_of", { name }));
        volume.addEventListener("input", () => playback.setVolume(identity, Number(volume.value) / 100));
        const word = make("span", "truncate", sideWord(side) ? `${name} · ${sideWord(side)}` : name);
        return make("div", "rv-voice", make("label", "", off, make("kbd", "", String(index + 1)), word), volume);
      }),
    );
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

customElements.define("lm-review-controls", ReviewControls);
