"""What the example shop sells, to whom, and what its agents should know about it: tables, and the choice from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Card = dict[str, Any]
SHOP = "https://shop.example.com"
MAX_ARTICLES = 3


@dataclass(frozen=True, slots=True)
class Text:
    """In both languages."""

    zh: str
    en: str

    def read(self, language: str) -> str:
        """As ``language`` (BCP 47) has it."""
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class Product:
    """Something to buy. ``facts`` are what people ask about."""

    id: str
    title: str
    name: Text
    price: str
    skills: tuple[str, ...]
    stock: int
    facts: tuple[Text, ...]

    @property
    def url(self) -> str:
        """Its page."""
        return f"{SHOP}/p/{self.id}"


@dataclass(frozen=True, slots=True)
class Article:
    """Of the help centre. ``words``: somebody who uses one of them may mean this."""

    id: str
    products: frozenset[str]
    words: tuple[str, ...]
    title: Text
    steps: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Customer:
    """An account. ``value`` is 0 to 100."""

    id: str
    name: str
    language: str
    value: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody bought."""

    id: str
    customer: str
    product: str
    title: str
    lines: tuple[Text, ...]


PRODUCTS: Mapping[str, Product] = {
    product.id: product
    for product in (
        Product(
            "H7",
            "聆音 H7 头戴式降噪耳机",
            Text("聆音 H7 头戴式降噪耳机", "Lingyin H7 noise-cancelling headphones"),
            "¥899",
            ("headphones",),
            42,
            (
                Text("蓝牙 5.4，同时连接两台设备", "Bluetooth 5.4, two devices at once"),
                Text("续航 40 小时，充 10 分钟听 5 小时", "40 hours; 10 minutes of charging give 5"),
                Text("保修两年，7 天无理由退货", "Two years of warranty, 7 days to return"),
            ),
        ),
        Product(
            "S2",
            "聆音 S2 便携音箱",
            Text("聆音 S2 便携音箱", "Lingyin S2 portable speaker"),
            "¥399",
            ("speakers",),
            7,
            (
                Text("IPX7 防水，可以进浴室", "IPX7: fine in the bathroom"),
                Text("两台可组成立体声", "Two of them make a stereo pair"),
            ),
        ),
        Product(
            "C1",
            "聆音 C1 充电座",
            Text("聆音 C1 充电座", "Lingyin C1 charging dock"),
            "¥129",
            (),
            0,
            (
                Text("适用 H7；指示灯常亮为充满", "For the H7; a steady light means full"),
                Text("预计下周二到货", "Expected back on Tuesday"),
            ),
        ),
    )
}

ARTICLES: tuple[Article, ...] = (
    Article(
        "pair-h7",
        frozenset(("H7",)),
        ("连接", "配对", "蓝牙", "pair", "connect", "bluetooth"),
        Text("H7：用蓝牙连接手机", "H7: pair with a phone over Bluetooth"),
        (
            Text("关机后按住电源键 5 秒，直到指示灯蓝白交替闪烁", "Switch off, then hold the power key for 5 s until it blinks blue and white"),
            Text("手机打开 设置 - 蓝牙，选择 Lingyin H7", "On the phone open Settings - Bluetooth and choose Lingyin H7"),
            Text("听到“已连接”，指示灯变为蓝色常亮", "You hear “connected”, and the light stays blue"),
            Text("没有出现？先在手机上“忽略”旧的 H7，再试一次", "Not listed? Have the phone forget the old H7 first, then try again"),
        ),
    ),
    Article(
        "second-device-h7",
        frozenset(("H7",)),
        ("两台", "电脑", "切换", "second", "laptop", "switch", "multipoint"),
        Text("H7：同时连接手机和电脑", "H7: phone and laptop at once"),
        (
            Text("先连接手机，然后再次按住电源键 5 秒", "Pair the phone, then hold the power key for 5 s again"),
            Text("在电脑的蓝牙列表里选择 Lingyin H7", "Choose Lingyin H7 in the laptop's Bluetooth list"),
            Text("来电会自动从电脑切到手机", "A call moves over to the phone by itself"),
        ),
    ),
    Article(
        "reset-h7",
        frozenset(("H7",)),
        ("重置", "没反应", "断开", "reset", "frozen", "drops"),
        Text("H7：恢复出厂设置", "H7: factory reset"),
        (
            Text("插上充电线", "Plug in the charging cable"),
            Text("同时按住电源键和音量减 10 秒，指示灯红色闪三次", "Hold power and volume down for 10 s; it blinks red three times"),
            Text("拔掉充电线，重新配对", "Unplug, and pair again"),
        ),
    ),
    Article(
        "stereo-s2",
        frozenset(("S2",)),
        ("立体声", "两个", "stereo", "two"),
        Text("S2：两台组成立体声", "S2: two of them in stereo"),
        (
            Text("两台都开机，同时按住“+”和播放键 3 秒", "Switch both on and hold “+” and play for 3 s on each"),
            Text("先响的一台是左声道", "The one that sounds first is the left"),
        ),
    ),
    Article(
        "returns",
        frozenset(PRODUCTS),
        ("退货", "退款", "换货", "return", "refund", "exchange"),
        Text("退货和换货", "Returns and exchanges"),
        (
            Text("签收后 7 天内，包装和配件齐全", "Within 7 days of delivery, complete and in its box"),
            Text("我的订单 - 申请售后，快递上门取件", "My orders - Return; the courier collects it"),
            Text("收到后 2 个工作日内原路退款", "The money goes back within 2 working days"),
        ),
    ),
)

CUSTOMERS: tuple[Customer, ...] = (
    Customer("4711", "林小满", "zh-CN", 82, ("老客户", "金卡")),
    Customer("4712", "周衡", "zh-CN", 35, ("新客户",)),
    Customer("4713", "Maya Costa", "en", 60, ("returning",)),
)

ORDERS: Mapping[str, Order] = {
    order.id: order
    for order in (
        Order(
            "A-2026-118",
            "4711",
            "H7",
            "聆音 H7 石墨黑",
            (
                Text("¥899，支付宝，已付款", "¥899, paid by Alipay"),
                Text("11 月 19 日签收，还可退货 3 天", "Delivered on 19 November; 3 days left to return"),
            ),
        ),
        Order("A-2026-124", "4712", "S2", "聆音 S2 × 2", (Text("¥798，已发货，明天送达", "¥798, sent, arrives tomorrow"),)),
        Order("A-2026-131", "4713", "H7", "Lingyin H7, sand", (Text("¥899，待发货", "¥899, not sent yet"),)),
    )
}


def cards(question: Mapping[str, Any], customer: Customer) -> list[Card]:
    """What the agent should see about this call, the most telling first. Nothing in the question is taken on trust."""
    language = _text(question, "locale") or customer.language
    context = _part(question, "context")
    order = ORDERS.get(_text(_part(context, "order"), "id"))
    if order is None or order.customer != customer.id:
        order = next((entry for entry in ORDERS.values() if entry.customer == customer.id), None)
    product = PRODUCTS.get(_text(_part(context, "product"), "id"))
    if product is None and order is not None:
        product = PRODUCTS[order.product]
    found: list[Card] = []
    if order is not None:
        found.append(_card("order", f"{order.id} · {order.title}", order.lines, language, f"{SHOP}/orders/{order.id}"))
    if product is not None:
        stock = Text(f"库存 {product.stock} 件", f"{product.stock} in stock")
        lines = (Text(product.price, product.price), *product.facts, stock)
        found.append(_card("product", product.name.read(language), lines, language, product.url))
    asked = f"{_text(question, 'text')} {_text(question, 'topic')}".lower()
    for article in _articles(asked, product):
        url = f"{SHOP}/help/{article.id}"
        found.append(_card("article", article.title.read(language), article.steps, language, url))
    if customer.value >= 80:
        note = Text("金卡：可免费换新一次，不必请示", "Gold: one free replacement, no need to ask anybody")
        found.append(_card("note", note.read(language), (), language))
    return found


def _articles(asked: str, product: Product | None) -> Iterable[Article]:
    """Those whose words were used, then the others about this product."""
    about = [article for article in ARTICLES if product is not None and product.id in article.products]
    hit = [article for article in about or ARTICLES if any(word in asked for word in article.words)]
    return [*hit, *(article for article in about if article not in hit)][:MAX_ARTICLES]


def _card(kind: str, title: str, lines: Iterable[Text], language: str, url: str = "") -> Card:
    card: Card = {"kind": kind, "title": title, "lines": [line.read(language) for line in lines]}
    return {**card, "url": url} if url else card


def _part(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = given.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(given: Mapping[str, Any], name: str) -> str:
    text = given.get(name)
    return text if isinstance(text, str) else ""
