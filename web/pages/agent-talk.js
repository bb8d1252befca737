/**
 * The right side: what is said in the room, one tab each. A tab that is not open counts what came meanwhile.
 */
import { byId, make, setText } from "./dom.js";

/**
 * @typedef {object} TalkTab
 * @property {string} id
 * @property {() => string} label
 * @property {HTMLElement} panel
 * @property {(seen: boolean) => void} look told whether a person can see the panel
 * @property {boolean} shown
 * @property {number} unread
 * @property {boolean} urgent
 */

export class TalkPane {
  #root = byId("talk", HTMLElement);
  #bar = byId("talk-tabs", HTMLElement);
  #body = byId("talk-body", HTMLElement);
  /** @type {Map<string, TalkTab & { button: HTMLButtonElement, word: HTMLElement, badge: HTMLElement }>} */
  #tabs = new Map();
  #open = "";
  #visible = () => true;

  /** @param {() => boolean} visible whether the pane is on the screen now: on a phone it may be behind a tab */
  constructor(visible) {
    this.#visible = visible;
    this.#bar.addEventListener("keydown", (event) => this.#arrow(event));
  }

  /**
   * @param {string} id
   * @param {() => string} label
   * @param {HTMLElement} panel
   * @param {(seen: boolean) => void} [look]
   */
  add(id, label, panel, look = () => {}) {
    const word = make("span", "truncate");
    const badge = make("span", "tab-badge number");
    const button = make("button", "talk-tab", word, badge);
    button.type = "button";
    button.id = `tab-${id}`;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => this.open(id));
    panel.id ||= `panel-${id}`;
    button.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", button.id);
    panel.hidden = true;
    this.#bar.append(button);
    this.#body.append(panel);
    this.#tabs.set(id, { id, label, panel, look, shown: true, unread: 0, urgent: false, button, word, badge });
  }

  /** @param {string} id */
  open(id) {
    this.#open = id;
    this.render();
  }

  /**
   * So much is unread there.
   * @param {string} id
   * @param {number} unread
   * @param {boolean} [urgent]
   */
  count(id, unread, urgent = false) {
    const tab = this.#tabs.get(id);
    if (!tab) return;
    const seen = this.seen(id);
    tab.unread = seen ? 0 : unread;
    tab.urgent = !seen && unread > 0 && (urgent || tab.urgent);
    this.render();
  }

  /** Whether a person can see this tab now. @param {string} id */
  seen(id) {
    return this.#open === id && !this.#root.hidden && this.#visible() && !document.hidden;
  }

  /** @param {string} id */
  unreadOf(id) {
    return this.#tabs.get(id)?.unread ?? 0;
  }

  /** How much is unread in all tabs that are shown. */
  get unread() {
    return [...this.#tabs.values()].reduce((sum, tab) => sum + (tab.shown ? tab.unread : 0), 0);
  }

  /** Forget what was unread: another room. */
  clear() {
    for (const tab of this.#tabs.values()) {
      tab.unread = 0;
      tab.urgent = false;
    }
    this.render();
  }

  /**
   * @param {boolean} visible
   * @param {readonly string[]} ids of the tabs that make sense now
   */
  show(visible, ids) {
    this.#root.hidden = !visible;
    for (const tab of this.#tabs.values()) tab.shown = ids.includes(tab.id);
    if (!ids.includes(this.#open)) this.#open = ids[0] ?? "";
    this.render();
  }

  render() {
    for (const tab of this.#tabs.values()) {
      const chosen = tab.id === this.#open;
      const seen = this.seen(tab.id);
      tab.look(seen);
      if (seen) {
        tab.unread = 0;
        tab.urgent = false;
      }
      tab.button.hidden = !tab.shown;
      tab.button.setAttribute("aria-selected", String(chosen));
      tab.button.tabIndex = chosen ? 0 : -1;
      tab.panel.hidden = !chosen || !tab.shown;
      setText(tab.word, tab.label());
      tab.badge.hidden = tab.unread === 0;
      tab.badge.classList.toggle("urgent", tab.urgent);
      setText(tab.badge, tab.unread > 99 ? "99+" : String(tab.unread));
    }
  }

  /** @param {KeyboardEvent} event */
  #arrow(event) {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const ids = [...this.#tabs.values()].filter(({ shown }) => shown).map(({ id }) => id);
    const next = ids[(ids.indexOf(this.#open) + step + ids.length) % ids.length];
    if (step === 0 || next === undefined) return;
    event.preventDefault();
    this.open(next);
    this.#tabs.get(next)?.button.focus();
  }
}
