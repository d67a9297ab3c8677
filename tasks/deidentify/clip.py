"""Read one clip and its faces, write it covered."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from schemas.coverage import COVERAGE
from schemas.jobs import Span
from schemas.params.deidentify import Deidentify, Drawn
from schemas.params.extract import Extract
from schemas.params.sections import Section
from schemas.params.video import Encoding
from schemas.texts import COVERED_TEXTS, TEXTS
from tasks.deidentify.correcting import Correction, CorrectionError
from tasks.deidentify.corrections import Film, read_corrections
from tasks.deidentify.coverage import cover, swapped_frames, with_any_mesh
from tasks.deidentify.face_regions import Clip, FaceRegion, Kept
from tasks.deidentify.neural import NeuralSwaps
from tasks.deidentify.owning import OwnSwaps, drawable_tracks
from tasks.deidentify.rehearsing import rehearsals
from tasks.deidentify.render import Cover, cover_texts, make_methods, render
from tasks.deidentify.texts import choose_texts, texts_table
from tasks.files.clips import corrections_path, texts_path, video_path
from tasks.files.documents import read_table, write_table
from tasks.files.errors import DocumentError, GuiseError, VideoError
from tasks.files.seen import frames_of
from tasks.swap.cast import Cast, FaceKey
from tasks.swap.giving import read_reshapings
from tasks.swap.laid import PointSwapper
from tasks.swap.mesh_swap import MeshSwapper, make_fit, make_look
from tasks.swap.mouth import mouth_share
from tasks.swap.pool import load_pool
from tasks.swap.shape import Reshaping
from tasks.swap.target import Target
from tasks.tracks.joining import flat
from tasks.tracks.meshes import Meshes
from tasks.tracks.placing import place
from tasks.tracks.seen import read_seen
from tasks.video import Frame, VideoWriter, read_frames, read_from, read_info, read_rate
from tasks.video.ahead import ahead
from tasks.vision.regions import RgbImage
from tasks.vision.sessions import shared_weights

LEAD_S = 2.0  # what is remembered of a drawn face is soon as it would be had all before been drawn
# the target of a track, and what becomes of its person's own shape
Give = Callable[[int], tuple[Target, Reshaping | None]]


class Covering(Section):
    """Whose clip is covered by which rule, and how it is encoded; extract: how its faces are looked at.

    excerpt: the first frame that is written, and the one after the last; None: all.
    """

    subject: str
    deidentify: Deidentify
    encoding: Encoding
    extract: Extract
    excerpt: tuple[int, int] | None = None


class CoveredClip:
    """A clip's regions, what draws them, and what each swapped face kept of its own."""

    def __init__(self, root: Path, clip_id: str, cast: Cast, order: Covering) -> None:
        self._root, self._clip_id, self._cast, self._order = root, clip_id, cast, order
        self._source = root / video_path("original", clip_id)
        self._info = read_info(self._source)
        self._rule = order.deidentify.at(read_rate(self._source))
        self._seen = read_seen(root, clip_id, self._rule)
        self._corrections = self._read_corrections()
        is_own = self._rule.swaps_by_own
        self._networks = drawable_tracks(root, order.subject, cast) if is_own else {}
        self._regions = self._cover()
        texts = read_table(root / texts_path(clip_id), TEXTS)
        self._texts = choose_texts(texts, order.deidentify.text, self._corrections, self._info.shown_size_wh)
        self._kept: dict[FaceKey, Kept] = {}

    @property
    def audio(self) -> Path | None:
        """The video whose sound goes along."""
        return self._source if self._info.has_audio and not self._order.excerpt else None

    def write(self, video: Path, coverage: Path, texts: Path) -> None:
        """Write the covered video and what covers it. Raises VideoError if a frame is missing."""
        span = self._order.excerpt or (0, len(self._seen.scenes))
        self._write_video(video, span, 0, self.audio)
        write_table(to_table(self._regions, self._kept), COVERAGE, coverage)
        self.write_texts(texts)

    def write_part(self, video: Path, coverage: Path, span: Span) -> None:
        """Write a part of the video and what covers it; what leads up to it is drawn, too, and not kept."""
        self._write_video(video, span, self._rule.frames(LEAD_S), None)
        regions = [region for region in self._regions if span[0] <= region.frame < span[1]]
        write_table(to_table(regions, self._kept), COVERAGE, coverage)

    def write_texts(self, path: Path) -> None:
        """Write what becomes of each line of text."""
        write_table(texts_table(self._texts), COVERED_TEXTS, path)

    def _write_video(self, path: Path, span: Span, lead: int, audio: Path | None) -> None:
        drawn = max(0, span[0] - lead), span[1]
        frames, methods = self._frames_and_methods(drawn)
        self._rehearse(methods["mesh_swap"], range(*drawn))
        empty = set(range(len(self._seen.scenes))) - {region.frame for region in self._regions}
        written = 0
        with VideoWriter(path, self._info, self._order.encoding, audio) as writer:
            covered = render(frames, self._regions, empty, methods)
            for frame in ahead(cover_texts(covered, self._texts)):
                if frame.index >= span[0]:
                    writer.write(frame)
                    written += 1
            if written != span[1] - span[0]:
                raise VideoError(f"{self._clip_id} gave {written} frames instead of {span[1] - span[0]}")

    def _rehearse(self, swap: Cover, drawn: range) -> None:
        """Draw the first frames of every track that began before a part, and keep none.

        How a drawn face is read is learnt there, and the same in every part.
        """
        for first, regions in rehearsals(self._regions, drawn):
            frames = self._read((first, max(regions) + 1))
            for frame in frames:
                for region in regions.get(frame.index, ()):
                    swap(frame.rgb, region)

    def _read_corrections(self) -> list[Correction]:
        size_wh, aspect = self._info.shown_size_wh, float(self._info.shown_pixel_aspect)
        return read_corrections(self._root, self._clip_id, Film(len(self._seen.scenes), size_wh, aspect))

    def _cover(self) -> list[FaceRegion]:
        seen, size_wh = self._seen, self._info.shown_size_wh
        clip = Clip(
            seen.scenes, size_wh, self._cast.subject or None, seen.crowded, seen.beliefs,
            drawable=frozenset(self._networks),
        )  # fmt: skip
        try:
            return cover(seen.tracks, seen.heads, clip, self._rule, self._corrections)
        except CorrectionError as error:
            name = corrections_path(self._clip_id).name
            raise DocumentError(f"data/corrections/{name} {error}") from None

    def _frames_and_methods(self, span: Span) -> tuple[Iterable[Frame], dict[Drawn, Cover]]:
        rule, extract = self._rule, self._order.extract
        weights = shared_weights(self._root)
        frames: Iterable[Frame] = ahead(self._on_canvas(span))
        neural, own = _unused("inswapper"), _unused("own_swap")
        if rule.swaps_neurally:
            swaps = NeuralSwaps(self._root, self._meshes(), self._cast, rule=rule, extract=extract)
            frames, neural = ahead(swaps.ahead_of(frames, self._regions)), swaps.cover(self._kept)
        if self._networks:
            own_swaps = self._own_swaps()
            frames, own = ahead(own_swaps.ahead_of(frames, self._regions)), own_swaps.cover(self._kept)
        fit = make_fit(weights, extract.landmark_score)
        swapper = MeshSwapper(rule.mesh_swap, fit, make_look(weights))
        pool = load_pool(weights, rule, extract, self._root)
        swap = make_swap(self._meshes(), self._give(pool), swapper, self._kept, starts=span[:1])
        return frames, make_methods(
            rule, mesh_swap=swap, point_swap=self._point_swap(pool), own_swap=own, inswapper=neural
        )

    def _own_swaps(self) -> OwnSwaps:
        """Return what draws with the workspace's networks: of any mesh, which need not be trusted."""
        known = {key: with_any_mesh(seen) for key, seen in self._seen.tracks.items()}
        sure = {
            (frame, seen[0].track)
            for seen in self._seen.tracks.values()
            for frame in swapped_frames(seen, self._rule)
        }
        meshes = Meshes(self._root, self._clip_id, flat(known), self._rule)
        return OwnSwaps(self._root, meshes, self._networks, sure, self._rule)

    def _on_canvas(self, span: Span) -> Iterator[Frame]:
        """Yield a span's frames, whose colours are ready to be drawn on."""
        for frame in self._read(span):
            _ = frame.rgb
            yield frame

    def _read(self, span: Span) -> Iterator[Frame]:
        decoder, (first, end) = shared_weights(self._root).inference.decoder, span
        if not first and end == len(self._seen.scenes):
            return read_frames(self._source, decoder)
        told = frames_of(self._root, "original", self._clip_id)
        return islice(read_from(self._source, first, told["pts"][first], decoder), end - first)

    def _point_swap(self, pool: Mapping[str, Target]) -> Cover:
        rule, draw = self._rule, PointSwapper(self._rule.mesh_swap)
        drawn = {(one.frame, one.track) for one in self._regions if one.method == "point_swap"}
        tracks = {track for _, track in drawn}
        known = {
            (frame, track): placed
            for (track, _), seen in self._seen.tracks.items()
            if track in tracks
            for frame, placed in place(seen, rule).items()
            if (frame, track) in drawn
        }

        def swap(rgb: RgbImage, region: FaceRegion) -> None:
            target = pool[self._cast.target(region.track, pool)]
            draw(rgb, region.box_xyxy, known[region.frame, region.track], target)

        return swap

    def _give(self, pool: Mapping[str, Target]) -> Give:
        """Return what tells a track's target, and what becomes of its person's shape."""
        cast, keep = self._cast, self._order.deidentify.mesh_swap.keep_asymmetry
        reshapings = read_reshapings(self._root, self._order.subject, cast, pool, keep_asymmetry=keep)
        return lambda track: (pool[cast.target(track, pool)], reshapings.get(track))

    def _meshes(self) -> Meshes:
        """Return the clip's meshes for one who goes through its frames; another one needs their own."""
        return Meshes(self._root, self._clip_id, flat(self._seen.tracks), self._rule)


def _unused(method: Drawn) -> Cover:
    def refuse(rgb: RgbImage, region: FaceRegion) -> None:
        raise GuiseError(f"a correction asks for {method}, which is not used here: choose another")

    return refuse


def make_swap(
    meshes: Meshes,
    give: Give,
    swapper: MeshSwapper,
    kept: dict[FaceKey, Kept],
    *,
    starts: Sequence[int] = (),
) -> Cover:
    """Bind the swap to what is known of the clip's faces. Raises GuiseError where a mesh is missing.

    kept: takes the shares of each face that stay with their own pixels. starts: frames before which another
    one was drawn than the one before.
    """

    def swap(rgb: RgbImage, region: FaceRegion) -> None:
        mesh = meshes.mesh(region.frame, region.track)
        if mesh is None:
            raise GuiseError(f"frame {region.frame} cannot be swapped: its mesh is not known")
        target, reshaping = give(region.track)
        shares = swapper(
            rgb,
            region.box_xyxy,
            region.track,
            mesh,
            target,
            reshaping=reshaping,
            last_xy=None if region.frame in starts else meshes.mesh_before(region.frame, region.track),
            hands_xy=meshes.hands(region.frame),
        )
        kept[region.frame, region.track] = Kept(
            shares.in_front, mouth_share(mesh), shares.worn, shares.painted_over
        )

    return swap


def to_table(regions: list[FaceRegion], kept: dict[FaceKey, Kept]) -> pl.DataFrame:
    """Build the coverage table."""
    shares = [kept.get((region.frame, region.track), Kept(0.0, 0.0)) for region in regions]
    return pl.DataFrame(
        {
            "frame": pl.Series([region.frame for region in regions], dtype=pl.Int32),
            "track": pl.Series([region.track for region in regions], dtype=pl.Int32),
            "source": pl.Series([region.source for region in regions], dtype=pl.String),
            "region_xyxy": pl.Series(
                [region.box_xyxy.tolist() for region in regions], dtype=pl.Array(pl.Float32, 4)
            ),
            "method": pl.Series([region.method for region in regions], dtype=pl.String),
            "in_front": pl.Series([share.in_front for share in shares], dtype=pl.Float32),
            "worn": pl.Series([share.worn for share in shares], dtype=pl.Float32),
            "painted_over": pl.Series([share.painted_over for share in shares], dtype=pl.Boolean),
            "in_mouth": pl.Series([share.in_mouth for share in shares], dtype=pl.Float32),
            "flagged": pl.Series([region.flagged for region in regions], dtype=pl.Boolean),
        }
    )
