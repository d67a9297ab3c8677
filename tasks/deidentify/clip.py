"""Read one clip and its faces, write it covered."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from schemas.coverage import COVERAGE
from schemas.covering import Deidentify
from schemas.params import Decoder, Encoding, Extract
from tasks.ahead import ahead
from tasks.clips import corrections_path, video_path
from tasks.deidentify.cast import Cast, FaceKey
from tasks.deidentify.correcting import CorrectionError
from tasks.deidentify.corrections import Film, read_corrections
from tasks.deidentify.coverage import cover
from tasks.deidentify.face_regions import Clip, FaceRegion, Kept
from tasks.deidentify.joining import flat, join_tracks
from tasks.deidentify.mesh_swap import MeshSwapper, make_fit, make_look
from tasks.deidentify.mouth import mouth_share
from tasks.deidentify.neural import NeuralSwaps
from tasks.deidentify.pool import load_pool
from tasks.deidentify.reading import Meshes, read_crowded, read_observations, read_scenes
from tasks.deidentify.render import Cover, make_methods, render
from tasks.deidentify.targets import Target
from tasks.documents import write_table
from tasks.errors import DocumentError, GuiseError, VideoError
from tasks.inference import shared_weights
from tasks.regions import RgbImage
from tasks.video import Frame, VideoWriter, read_frames, read_info


def deidentify_clip(
    root: Path,
    clip_id: str,
    video: Path,
    coverage: Path,
    *,
    cast: Cast,
    rule: Deidentify,
    encoding: Encoding,
    extract: Extract,
) -> None:
    """Write the covered video and its coverage table. Raises VideoError if a frame is missing."""
    source = root / video_path("original", clip_id)
    info = read_info(source)
    scenes, crowded = read_scenes(root, clip_id), read_crowded(root, clip_id)
    clip = Clip(scenes, info.shown_size_wh, cast.subject or None, crowded)
    faces, heads = read_observations(root, clip_id, rule)
    tracks = join_tracks(faces, clip.scenes, rule.reach)
    corrections = read_corrections(
        root, clip_id, Film(len(scenes), clip.size_wh, float(info.shown_pixel_aspect))
    )
    try:
        regions = cover(tracks, heads, clip, rule, corrections)
    except CorrectionError as error:
        raise DocumentError(f"data/corrections/{corrections_path(clip_id).name} {error}") from None
    weights = shared_weights(root)
    pool = load_pool(weights, rule, extract)
    fit = make_fit(weights, extract.landmark_score)
    swapper = MeshSwapper(rule.mesh_swap, fit, make_look(weights))
    kept: dict[FaceKey, Kept] = {}
    meshes = Meshes(root, clip_id, flat(tracks), rule)
    frames: Iterable[Frame] = ahead(_on_canvas(source, weights.inference.decoder))
    neural: Cover = _no_neural_swap
    if rule.swaps_neurally:
        swaps = NeuralSwaps(root, Meshes(root, clip_id, flat(tracks), rule), cast, rule=rule, extract=extract)
        frames, neural = ahead(swaps.ahead_of(frames, regions)), swaps.cover(kept)
    methods = make_methods(rule, make_swap(meshes, pool, cast, swapper, kept), neural)
    empty = set(range(len(clip.scenes))) - {region.frame for region in regions}
    written = 0
    with VideoWriter(video, info, encoding, source if info.has_audio else None) as writer:
        for frame in ahead(render(frames, regions, empty, methods)):
            writer.write(frame)
            written += 1
        if written != len(clip.scenes):
            raise VideoError(f"{clip_id} gave {written} frames instead of {len(clip.scenes)}")
    write_table(to_table(regions, kept), COVERAGE, coverage)


def _on_canvas(source: Path, decoder: Decoder) -> Iterator[Frame]:
    """Yield frames whose colours are ready to be drawn on."""
    for frame in read_frames(source, decoder):
        _ = frame.rgb
        yield frame


def _no_neural_swap(rgb: RgbImage, region: FaceRegion) -> None:
    raise GuiseError("a correction asks for inswapper, which deidentify.method does not use: choose another")


def make_swap(
    meshes: Meshes,
    pool: Mapping[str, Target],
    cast: Cast,
    swapper: MeshSwapper,
    kept: dict[FaceKey, Kept],
) -> Cover:
    """Bind the swap to what is known of the clip's faces. Raises GuiseError where a mesh is missing.

    kept: takes the shares of each face that stay with their own pixels.
    """

    def swap(rgb: RgbImage, region: FaceRegion) -> None:
        mesh = meshes.mesh(region.frame, region.track)
        if mesh is None:
            raise GuiseError(f"frame {region.frame} cannot be swapped: its mesh is not known")
        target = pool[cast.target(region.track, pool)]
        in_front = swapper(
            rgb,
            region.box_xyxy,
            region.track,
            mesh,
            target,
            last_xy=meshes.mesh_before(region.frame, region.track),
            hands_xy=meshes.hands(region.frame),
        )
        kept[region.frame, region.track] = Kept(in_front, mouth_share(mesh))

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
            "in_mouth": pl.Series([share.in_mouth for share in shares], dtype=pl.Float32),
            "flagged": pl.Series([region.flagged for region in regions], dtype=pl.Boolean),
        }
    )
