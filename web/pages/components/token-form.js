/** The last way to get a token: paste it. Emits `token` with the trimmed text. */
import { make, setText } from "../dom.js";
import { onLocale, t } from "../locale.js";

export class TokenForm extends HTMLElement {
  #title = make("h2");
  #hint = make("p", "hint");
  #problem = make("div", "problem");
  #label = make("label", "field-label");
  #field = make("textarea", "input");
  #submit = make("button", "button primary");
  /** @type {{ text: string, code: string } | null} */
  #refusal = null;
  /** @type {(() => void) | undefined} */
  #stop;

  connectedCallback() {
    if (this.childElementCount === 0) this.#build();
    this.#stop = onLocale(() => this.#render());
  }

  disconnectedCallback() {
    this.#stop?.();
  }

  /** @param {{ text: string, code: string } | null} refusal why the last token was not accepted */
  set refusal(refusal) {
    this.#refusal = refusal;
    this.#render();
  }

  #build() {
    this.#field.id = "token-field";
    this.#field.rows = 4;
    this.#field.required = true;
    this.#field.autocomplete = "off";
    this.#field.spellcheck = false;
    this.#field.setAttribute("autocapitalize", "off");
    this.#label.htmlFor = this.#field.id;
    this.#problem.setAttribute("role", "alert");
    const form = make(
      "form",
      "",
      this.#title,
      this.#hint,
      this.#problem,
      make("div", "field", this.#label, this.#field),
      this.#submit,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = this.#field.value.trim();
      if (token) this.dispatchEvent(new CustomEvent("token", { detail: token }));
    });
    this.append(form);
  }

  #render() {
    setText(this.#title, t("token.title"));
    setText(this.#hint, t("token.hint"));
    setText(this.#label, t("token.label"));
    setText(this.#submit, t("token.submit"));
    this.#problem.hidden = this.#refusal === null;
    if (this.#refusal) {
      this.#problem.replaceChildren(make("span", "", this.#refusal.text), make("span", "code", this.#refusal.code));
    }
  }
}

customElements.define("lm-token-form", TokenForm);
