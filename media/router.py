"""The media twin of a Room: which Producers there are, and who speaks."""

from __future__ import annotations

from media.consumer import Consumer
from media.producer import Producer
from media.speaker import SpeakerDetector


class Router:
    """Holds a Room's Producers and Transports by id, and its active-speaker detector."""

    def __init__(self, router_id: str) -> None:
        self.id = router_id
        self.producers: dict[str, Producer] = {}
        self.transport_ids: set[str] = set()
        self.speakers = SpeakerDetector()

    def add_producer(self, producer: Producer) -> None:
        """Make a Producer known to viewers."""
        self.producers[producer.id] = producer

    def remove_producer(self, producer_id: str) -> list[Consumer]:
        """Forget a Producer; returns the Consumers that it had, which are closed with it."""
        producer = self.producers.pop(producer_id, None)
        if producer is None:
            return []
        orphans = list(producer.consumers.values())
        producer.close()
        self.speakers.remove(producer_id)
        return orphans
