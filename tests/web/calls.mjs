/** Calls of one-to-one help for tests: the shopper Sam, the agent Ann. */

export const person = (side, identity, more = {}) => ({
  identity, name: identity, role: side, side, mode: "full", peer: `p-${identity}`, state: "connected", ...more,
});

export const aMessage = (id, at = 1, more = {}) => ({
  id, by: { identity: "sam", name: "sam", side: "shopper" }, at, text: id, article: null, file: null, ...more,
});

export const aCall = (more = {}) => ({
  id: "c1", room: "r", queue: "q", queue_title: "Q", direction: "in", media: "video", state: "waiting", created: 1, answered: null,
  ended: null, outcome: null, end_reason: null, position: 1, estimate: null, ring_until: null, held_by: null, topic: "",
  shopper: { identity: "sam", name: "sam", peer: "p-sam", state: "connected" }, people: [person("shopper", "sam")],
  transfer: null, escalation: null, messages: [], marks: [], frame: null, checklist: null, device: null, rating: null, ...more,
});
