/** Puts the widget's one tag onto the page, with what the address wants of it. */
const query = new URLSearchParams(location.search);
const script = document.createElement("script");
script.src = "/web/widget.js";
Object.assign(script.dataset, {
  demo: "", room: "help", queue: "digital", entry: "product", productId: "H7", productPrice: "¥899",
  productTitle: query.get("en") ? "Lingyin H7 headphones" : "聆音 H7 头戴式降噪耳机",
  locale: query.get("en") ? "en" : "zh-CN", theme: query.get("theme") ?? "light",
});
if (query.get("media")) script.dataset.media = query.get("media");
if (query.get("help")?.includes("now")) script.dataset.present = "";
document.body.append(script);
