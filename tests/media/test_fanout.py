"""How packets are written for a Group of viewers, and cut into runs for the kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import header_extensions as hx
from media.fanout import Burst, Layout, segment_runs
from media.packet import Packet
from media.rtp_wire import Header, iter_extensions, parse_header
from media.udp import MAX_RUN_BYTES, MAX_SEGMENTS

LEVEL = hx.build_audio_level(20, True)
CAPTURE = hx.build_abs_capture_time(1 << 40)


def made(sequence: int, payload: bytes = b"payload", **more: object) -> Packet:
    fields: dict[str, object] = {
        "sequence": sequence,
        "timestamp": 4000,
        "marker": True,
        "codec": "VP8",
        "payload": payload,
        "extensions": None,
        "keyframe": False,
        "arrival": 0.0,
    }
    return Packet(**{**fields, **more})  # type: ignore[arg-type]


def layout(extensions: dict[str, int] | None = None, **more: object) -> Layout:
    fields: dict[str, object] = {
        "payload_types": {"VP8": 101, "opus": 111},
        "extensions": extensions or {},
        "ssrc": 0xDEADBEEF,
        "tag_length": 16,
        "mid": None,
        "playout_delay": None,
        "shift": 0,
    }
    return Layout(**{**fields, **more})  # type: ignore[arg-type]


def read(data: bytes) -> tuple[Header, dict[int, bytes], bytes]:
    header = parse_header(data)
    assert header is not None
    return header, dict(iter_extensions(data, header)), data[header.payload_offset :]


# --- runs ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.sampled_from([1200, 1199, 100]), st.integers(1, 2100)), max_size=300))
def test_runs_cover_every_packet_in_order_as_the_kernel_cuts_them(sizes: list[int]) -> None:
    cut: list[tuple[int, int]] = []
    for offset, total, segment in segment_runs(sizes):
        assert 0 < total <= MAX_RUN_BYTES
        assert -(-total // segment) <= MAX_SEGMENTS
        # udp(7): all but the last have the size of the segment; the last may be shorter, and is not empty.
        while total > 0:
            cut.append((offset, min(segment, total)))
            offset += segment
            total -= segment
    starts = [sum(sizes[:index]) for index in range(len(sizes))]
    assert cut == list(zip(starts, sizes, strict=True))


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ([], []),
        ([5], [(0, 5, 5)]),
        ([5, 5, 5], [(0, 15, 5)]),
        ([5, 5, 3], [(0, 13, 5)]),
        ([5, 3, 3], [(0, 8, 5), (8, 3, 3)]),
        ([3, 5], [(0, 3, 3), (3, 5, 5)]),
        ([5, 3, 5], [(0, 8, 5), (8, 5, 5)]),
        ([1] * (MAX_SEGMENTS + 1), [(0, MAX_SEGMENTS, 1), (MAX_SEGMENTS, 1, 1)]),
        ([1300] * 51, [(0, 50 * 1300, 1300), (65_000, 1300, 1300)]),
    ],
)
def test_where_runs_end(sizes: list[int], runs: list[tuple[int, int, int]]) -> None:
    assert segment_runs(sizes) == runs


# --- one packet ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0, 5, -70_000])
@pytest.mark.parametrize("sequence", [65_536, 65_535, 131_071])
def test_a_packet_gets_the_viewers_header(sequence: int, shift: int) -> None:
    written = layout(shift=shift).write(made(sequence), 0.0)
    assert written is not None
    header, extensions, payload = read(written)
    assert (header.payload_type, header.marker, header.sequence) == (101, True, (sequence + shift) % 65_536)
    assert (header.timestamp, header.ssrc, extensions, payload) == (4000, 0xDEADBEEF, {}, b"payload")


def test_extensions_are_named_as_the_viewer_wants_them() -> None:
    ids = {hx.TRANSPORT_CC: 1, hx.ABS_SEND_TIME: 2, hx.PLAYOUT_DELAY: 3, hx.MID: 4, hx.AUDIO_LEVEL: 14}
    form = layout(ids, mid="0", playout_delay=(0, 0))
    written = form.write(made(1, extensions={hx.AUDIO_LEVEL: LEVEL, hx.ABS_CAPTURE_TIME: CAPTURE}), 63.5)
    assert written is not None
    header, extensions, payload = read(written)
    assert header.ext_profile == 0xBEDE
    # The capture time was not negotiated with this viewer.
    assert extensions == {1: b"\0\0", 2: hx.build_abs_send_time(63.5), 3: bytes(3), 4: b"0", 14: LEVEL}
    assert payload == b"payload"


@pytest.mark.parametrize("without", ["mid", "playout_delay"])
def test_extensions_without_a_value_are_left_out(without: str) -> None:
    ids = {hx.PLAYOUT_DELAY: 3, hx.MID: 4}
    values: dict[str, object] = {"mid": "0", "playout_delay": (20, 2000)}
    written = layout(ids, **{**values, without: None}).write(made(1), 0.0)
    assert written is not None
    assert set(read(written)[1]) == ({3} if without == "mid" else {4})


def test_no_extension_no_block() -> None:
    written = layout({hx.AUDIO_LEVEL: 5}).write(made(1), 0.0)
    assert written is not None
    assert (written[0], len(written)) == (0x80, 12 + len(b"payload"))


def test_ids_over_fourteen_take_the_two_byte_form() -> None:
    written = layout({hx.TRANSPORT_CC: 1, hx.AUDIO_LEVEL: 20}).write(made(1, extensions={hx.AUDIO_LEVEL: LEVEL}), 0.0)
    assert written is not None
    header, extensions, _ = read(written)
    assert header.ext_profile == 0x1000
    assert extensions == {1: b"\0\0", 20: LEVEL}


def test_a_codec_that_the_viewer_lacks_is_not_sent() -> None:
    assert layout().write(made(1, codec="H264"), 0.0) is None


def test_red_is_sent_as_red_or_unwrapped() -> None:
    primary = b"newest"
    red = bytes((0x80 | 111, 0, 0, 4)) + bytes((111,)) + b"old!" + primary
    unwrapped = layout().write(made(1, red, codec="red"), 0.0)
    assert unwrapped is not None
    assert (read(unwrapped)[0].payload_type, read(unwrapped)[2]) == (111, primary)
    kept = layout(payload_types={"red": 63, "opus": 111}).write(made(1, red, codec="red"), 0.0)
    assert kept is not None
    assert (read(kept)[0].payload_type, read(kept)[2]) == (63, red)
    renamed = layout(payload_types={"red": 63, "opus": 104}).write(made(1, red, codec="red"), 0.0)
    assert renamed is not None
    assert read(renamed)[2] == bytes((0x80 | 104, 0, 0, 4)) + bytes((104,)) + b"old!" + primary
    assert layout(payload_types={"VP8": 101}).write(made(1, red, codec="red"), 0.0) is None
    assert layout().write(made(1, b"\xef\x00\x00\xff", codec="red"), 0.0) is None


def test_equal_layouts_share_a_key_and_others_do_not() -> None:
    assert layout({hx.MID: 4}).key == layout({hx.MID: 4}).key
    changed: list[dict[str, object]] = [
        {"payload_types": {"VP8": 102}},
        {"ssrc": 1},
        {"tag_length": 10},
        {"mid": "1"},
        {"playout_delay": (20, 2000)},
        {"shift": 1},
        {"extensions": {hx.MID: 5}},
    ]
    assert len({layout(**change).key for change in changed} | {layout().key}) == len(changed) + 1  # type: ignore[arg-type]


# --- a burst ---------------------------------------------------------------------------------------------------------

URIS = [hx.TRANSPORT_CC, hx.ABS_SEND_TIME, hx.PLAYOUT_DELAY, hx.MID, hx.AUDIO_LEVEL, hx.ABS_CAPTURE_TIME]
payloads = st.one_of(st.binary(max_size=40), st.sampled_from([bytes(1100), bytes(1101)]))


@given(
    contents=st.lists(st.tuples(payloads, st.sampled_from(["VP8", "opus", "H264"]), st.booleans()), max_size=80),
    ids=st.dictionaries(st.sampled_from(URIS), st.integers(1, 30)).filter(lambda d: len(set(d.values())) == len(d)),
    tag=st.sampled_from([10, 16]),
    first=st.integers(65_500, 65_600),
)
def test_a_burst_is_its_packets_with_room_for_a_tag_behind_each(
    contents: list[tuple[bytes, str, bool]], ids: dict[str, int], tag: int, first: int
) -> None:
    form = layout(ids, tag_length=tag, mid="0", playout_delay=(20, 2000))
    values = {hx.AUDIO_LEVEL: LEVEL, hx.ABS_CAPTURE_TIME: CAPTURE}
    packets = [
        made(first + index, payload, codec=codec, extensions=values if extended else None)
        for index, (payload, codec, extended) in enumerate(contents)
    ]
    burst = Burst(form, packets, 1.0)
    wanted = [packet for packet in packets if packet.codec != "H264"]
    assert len(burst.cuts) == len(wanted)
    end = 0
    for (offset, length), packet in zip(burst.cuts, wanted, strict=True):
        assert offset == end
        written = burst.blob[offset : offset + length]
        assert written == form.write(packet, 1.0)
        end = offset + length + tag
        assert burst.blob[offset + length : end] == bytes(tag)
    assert end == len(burst.blob) == sum(total for _, total, _ in burst.runs)
    assert burst.payload_bytes == sum(len(packet.payload) for packet in wanted)


@pytest.mark.parametrize(("other_id", "profile"), [(5, 0xBEDE), (15, 0x1000)])
@pytest.mark.parametrize("transport_cc", [1, 14])
def test_the_transport_cc_number_can_be_written_in_place(other_id: int, profile: int, transport_cc: int) -> None:
    form = layout({hx.AUDIO_LEVEL: other_id, hx.TRANSPORT_CC: transport_cc})
    values = {hx.AUDIO_LEVEL: LEVEL}
    burst = Burst(form, [made(index, extensions=values) for index in range(3)], 0.0)
    assert burst.transport_cc is not None
    blob = bytearray(burst.blob)
    for number, offset in enumerate(burst.transport_cc, 0x1234):
        blob[offset : offset + 2] = number.to_bytes(2, "big")
    for number, (offset, length) in enumerate(burst.cuts, 0x1234):
        header, extensions, payload = read(bytes(blob[offset : offset + length]))
        assert header.ext_profile == profile
        assert extensions == {transport_cc: number.to_bytes(2, "big"), other_id: LEVEL}
        assert payload == b"payload"


def test_without_transport_cc_there_is_nothing_to_stamp() -> None:
    assert Burst(layout({hx.MID: 4}), [made(1)], 0.0).transport_cc is None
