export class ReviewTemplates extends HTMLElement { open() {} }
customElements.define("lm-review-templates", ReviewTemplates);
