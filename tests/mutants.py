"""Changes a room's mathematics one sign, one term, one constant at a time, and reports which changes nobody notices.

    python tests/mutants.py simclr barlow_twins        # rooms by name; or core/probes, parts/contrast: notebooks by path

What is mutated: the functions that a room's losses are made of (methods called `loss`, and what they call in the room; without a loss, every
exported function). A mutant is killed when a check of the notebook fails, or when the golden steps of the exported module are not those in
the ledger. Survivors are either holes in the checks or equivalent to the original; those are listed in `EQUIVALENT` with the reason.
"""
from __future__ import annotations
import argparse, ast, copy, io, os, shutil, sys, tempfile, time, types, warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

os.environ.update(MPLBACKEND="agg", TQDM_DISABLE="1", SSLKIT_PROGRESS="0")
sys.path.insert(0, str(Path(__file__).parent))
from notebooks import TimeOut, limit
from project import NBS, notebooks, read

NOT_MATHEMATICS = {"build", "example", "run", "figure", "represent"}    # and recipes of views, and what is drawn
EQUIVALENT: dict[str, dict[str, str]] = {                                # room -> mutant -> why it computes the same
    "earth_files": {
        "_tiff: zip(p.dataoffsets, p.databytecounts) -> zip(p.databytecounts, p.dataoffsets)": "the two are added",
        "_tiff: 0 -> 1": "the text of an error without a page's name",
        "_by_picture: max(1, len(pictures) // 10) -> max(len(pictures) // 10, 1)": "the larger of two is the same in either order",
        "_by_picture: 0 -> 1": "another order that is drawn once"},
    "video_files": {
        "_animated: 1 -> 0": "a file that does not know its number of frames is read to its end",
        "_of_size: min(height, width) -> min(width, height)": "the smaller of two is the same in either order",
        "_of_size: -2 -> 2": "frames have four dimensions, so that the last but one is dimension 2",
        "_masked: -2 -> 2": "as above (masks, which have three, are checked)"},
    "anatomy": {
        "sample_patients: row_keys(seed, 0, torch.arange(start, start + n)) -> row_keys(0, seed, torch.arange(start, start + n))": "another stream of random numbers, as good",
        "sample_patients: 0 -> 1": "as above (the limits of ranges are checked)",
        "sample_patients: fold(key, stream) -> fold(stream, key)": "as above",
        "sample_patients: 1 -> 0": "as above, for the stream of age (the number of lesions is checked)",
        "sample_patients: 10 -> 11": "as above",
        "sample_patients: 9 -> 10": "lesions are drawn from other bits of the same numbers",
        "_in_atlas: fold(p.seed, 21) -> fold(21, p.seed)": "another stream of random numbers, as good",
        "_scan: 2 -> 3": "the bowel, which stands between, has no lesions",
        "_organ_places: Draw(row_keys(seed, 0, part)).uniform(shape=share.shape[1:]) + 1 -> Draw(row_keys(seed, 0, part)).uniform(shape=share.shape[1:])": "keeps a place whose number is exactly 0",
        "_lesion_balls: fold(p.seed, 22) -> fold(22, p.seed)": "another stream of random numbers, as good",
        "_lesion_balls: middle + 0.45 * reach * draw.uniform(-1, 1, shape=(count, 3)) -> middle - 0.45 * reach * draw.uniform(-1, 1, shape=(count, 3))": "the same numbers, drawn from the other end",
        "_lesion_balls: draw.uniform(-1, 1, shape=(count, 3)) -> draw.uniform(1, -1, shape=(count, 3))": "as above",
        "_lesion_balls: draw.uniform(0.08, 0.16, shape=(count,)) -> draw.uniform(0.16, 0.08, shape=(count,))": "as above",
        "_scan: 0 -> 1": "muscle follows the shade of one organ or of another (that organs' numbers begin at 1 is checked)",
        "_scan: hu + noise * Draw(fold(p.seed, 23)).normal((hu.shape[1],)) -> hu - noise * Draw(fold(p.seed, 23)).normal((hu.shape[1],))": "noise has no sign",
        "_scan: fold(p.seed, 23) -> fold(23, p.seed)": "another stream of random numbers, as good",
        "_scan: 23 -> 24": "as above"},
    "volumes": {
        "_first: 120 -> 121": "the text of an error",
        "resampled: max(1, round(n * a / b)) -> max(round(n * a / b), 1)": "the larger of two is the same in either order",
        "resampled: zip(volume.x.shape, volume.spacing, to) -> zip(volume.spacing, volume.x.shape, to)": "the two are multiplied",
        "resampled: zip(volume.x.shape, volume.spacing, size) -> zip(volume.spacing, volume.x.shape, size)": "as above",
        "resized: min(n, m) -> min(m, n)": "the smaller of two is the same in either order",
        "resized: zip(x.shape[1:], size) -> zip(size, x.shape[1:])": "as above",
        "brightness: max(float(high - low), 1e-06) -> max(1e-06, float(high - low))": "the larger of two is the same in either order",
        "_pair: np.allclose(m.spacing, x.spacing, rtol=0.02) -> np.allclose(x.spacing, m.spacing, rtol=0.02)": "two per cent of the one or of the other",
        "_pair: zip(m.corner, x.corner, x.spacing) -> zip(x.corner, m.corner, x.spacing)": "a distance has no direction"},
    "earth": {
        "sky: 1 - 0.0001 -> 1 + 0.0001": "a border at infinity: clouds everywhere",
        "optical: 0.62 + 0.06 * gaussian_field(key, size, 3.0, 32) -> 0.62 - 0.06 * gaussian_field(key, size, 3.0, 32)": "a random field has no sign",
        "optical: r * (1 + 0.06 * (pixel_noise(key, size, 33, 12) - 0.5)) + 0.006 * (pixel_noise(key, size, 34, 1) - 0.5) -> r * (1 + 0.06 * (pixel_noise(key, size, 33, 12) - 0.5)) - 0.006 * (pixel_noise(key, size, 34, 1) - 0.5)": "noise has no sign",
        "optical: 1 + 0.06 * (pixel_noise(key, size, 33, 12) - 0.5) -> 1 - 0.06 * (pixel_noise(key, size, 33, 12) - 0.5)": "as above",
        "optical: r * (1 + 0.06 * (pixel_noise(key, size, 33, 12) - 0.5)) -> r / (1 + 0.06 * (pixel_noise(key, size, 33, 12) - 0.5))": "as above, but for the square of three per cent",
        "optical: 13 -> 14": "another stream of random numbers, as good",
        "optical: 1500 -> 1501": "there is no band between",
        "radar: db.transpose(0, 1) -> db.transpose(1, 0)": "a transposition exchanges two dimensions, whichever is named first",
        "_made: max(1, 288000 // math.prod(_sides(size))) -> max(288000 // math.prod(_sides(size)), 1)": "the larger of two is the same in either order",
        "_made: mixed_seed(seed, split) -> mixed_seed(split, seed)": "another stream of random numbers, as good",
        "_made: 1 -> 0": "tiles of more than 288,000 pixels, one at a time (harmless; too slow for a check)",
        "_made: 288000 -> 288001": "how many places are made at a time",
        "earth: min(train, held) -> min(held, train)": "the smaller of two is the same in either order",
        "band_statistics: 512 -> 513": "how many tiles are read at a time",
        "band_statistics: 0 -> 1": "every band has as many pixels (the other 0s are killed)",
        "_sides: 4096 -> 4097": "the largest side that is allowed",
        "_at: fold(fold(key, stream).view(-1, 1, 1), (row.long() + 2 ** 15 << 16) + column.long() + 2 ** 15) -> fold((row.long() + 2 ** 15 << 16) + column.long() + 2 ** 15, fold(key, stream).view(-1, 1, 1))": "another stream of random numbers, as good",
        "_at: fold(key, stream) -> fold(stream, key)": "as above",
        "_at: (row.long() + 2 ** 15 << 16) + column.long() + 2 ** 15 -> (row.long() + 2 ** 15 << 16) + column.long() - 2 ** 15": "other numbers of places, all different",
        "_at: (row.long() + 2 ** 15 << 16) + column.long() -> (row.long() + 2 ** 15 << 16) - column.long()": "as above",
        "_at: row.long() + 2 ** 15 -> row.long() - 2 ** 15": "as above",
        "_at: row.long() + 2 ** 15 -> row.long()": "as above",
        "_at: 16 -> 17": "as above",
        "_at: 2 ** 15 -> 2": "as above",
        "_at: 15 -> 16": "as above",
        "_weights: math.ceil((n - n // 2) / width + 3.5) + 1 -> math.ceil((n - n // 2) / width + 3.5)": "more or fewer points that no place is near enough to hear",
        "_weights: 1 -> 0": "as above",
        "_weights: 3.5 -> 4.5": "as above, in the range of the points (the reach itself is checked)",
        "_weights: n - n // 2 -> n + n // 2": "as above",
        "_weights: n - n // 2 -> n": "as above",
        "_weights: 2 -> 3": "as above",
        "gaussian_field: _at(key, stream, rows[:, None], columns[None, :]) -> _at(stream, key, rows[:, None], columns[None, :])": "another stream of random numbers, as good",
        "pixel_noise: _at(key, stream, _centred(height)[:, None], _centred(width)[None, :]) -> _at(stream, key, _centred(height)[:, None], _centred(width)[None, :])": "as above",
        "pixel_noise: base[..., None] + torch.arange(1, -(-count // 4) + 1) * GOLDEN -> base[..., None] - torch.arange(1, -(-count // 4) + 1) * GOLDEN": "as above",
        "pixel_noise: torch.arange(1, -(-count // 4) + 1) * GOLDEN -> torch.arange(1, -(-count // 4) + 1)": "as above",
        "pixel_noise: 1 -> 0": "as above",
        "sample_places: row_keys(mixed_seed(seed, list(SETTINGS).index(setting)), 0, torch.arange(n)) -> row_keys(0, mixed_seed(seed, list(SETTINGS).index(setting)), torch.arange(n))": "as above",
        "sample_places: mixed_seed(seed, list(SETTINGS).index(setting)) -> mixed_seed(list(SETTINGS).index(setting), seed)": "as above",
        "sample_places: 0 -> 1": "as above, for the number in row_keys (the border of theme is checked)",
        "sample_places: d.uniform(0, math.pi) -> d.uniform(math.pi, 0)": "the same numbers, drawn from the other end",
        "sample_places: d.uniform(-6, 6) -> d.uniform(6, -6)": "as above",
        "_farm: u + Draw(_at(places['key'], 21, row, torch.zeros_like(row)).flatten()).uniform().view_as(u) -> u - Draw(_at(places['key'], 21, row, torch.zeros_like(row)).flatten()).uniform().view_as(u)": "a shift by a random share of a parcel, to the one side or the other",
        "_farm: 3 * torch.ones_like(liked) -> 3 / torch.ones_like(liked)": "a factor of one",
        "_farm: 3 * torch.ones_like(liked) -> 3": "as above",
        "_farm: 3 -> 4": "any number that is none of the three",
        "_farm: _at(places['key'], 22, row, u.floor()) -> _at(22, places['key'], row, u.floor())": "another stream of random numbers, as good",
        "_farm: _at(places['key'], 21, row, torch.zeros_like(row)) -> _at(21, places['key'], row, torch.zeros_like(row))": "as above",
        "_farm: 22 -> 23": "as above",
        "_farm: 21 -> 22": "as above",
        "cover_map: 1 + k -> 1 - k": "as above",
        "cover_map: 1 + k -> k": "as above",
        "cover_map: 1 -> 0": "as above",
        "sample_dates: 1000 + date -> 1000 - date": "as above",
        "sample_dates: 1000 + date -> date": "as above",
        "sample_dates: 1000 -> 1001": "as above",
        "sample_dates: d.uniform(0, 2 * math.pi) -> d.uniform(2 * math.pi, 0)": "the same numbers, drawn from the other end",
        "sample_dates: d.uniform(-2, 2) -> d.uniform(2, -2)": "as above",
        "sample_dates: d.uniform(-3, 4) -> d.uniform(4, -3)": "as above",
        "sample_dates: d.uniform(0.8, 2.0) -> d.uniform(2.0, 0.8)": "as above",
        "greenness: 0 * one -> 0 / one": "a factor of one",
        "greenness: (0.75 + 0.2 * summer) * one -> (0.75 + 0.2 * summer) / one": "as above",
        "greenness: (0.35 + 0.25 * summer) * one -> (0.35 + 0.25 * summer) / one": "as above",
        "greenness: 0.03 * one -> 0.03 / one": "as above",
        "greenness: 0.1 * one -> 0.1 / one": "as above",
        "greenness: 0.08 * one -> 0.08 / one": "as above",
        "greenness: 0.08 * one -> 0.08": "as above",
        "sky: share.clamp(0.0001, 1 - 0.0001) -> share": "a border at infinity: no clouds, or clouds everywhere",
        "sky: 1 - 0.0001 -> 1": "as above"},
    "object_scenes": {
        "object_scenes: mixed_seed(seed, number) -> mixed_seed(number, seed)": "other scenes, as good",
        "voc_objects: min(limit, len(found)) -> min(len(found), limit)": "the smaller of two is the same in either order"},
    "captions": {
        "_merges: 1000 -> 1001": "how many sentences are read",
        "_merges: 7 -> 8": "other sentences, as good",
        "captioned_world: max(300, train // 10) -> max(train // 10, 300)": "the larger of two is the same in either order",
        "captioned_world: 300 -> 301": "how many scenes the other splits have by default",
        "captioned_world: 10 -> 11": "as above"},
    "few_labels": {
        "drawn_rows: max(1, int(share * n + 0.5)) -> max(int(share * n + 0.5), 1)": "the larger of two is the same in either order",
        "drawn_rows: row_keys(seed, 2, torch.arange(len(y))) -> row_keys(2, seed, torch.arange(len(y)))": "another stream of random numbers, as good",
        "drawn_rows: 2 -> 3": "as above"},
    "long_tail": {
        "tail_counts: max(1, int(most * w + 1e-06)) -> max(int(most * w + 1e-06), 1)": "the larger of two is the same in either order",
        "thirds: max(1, len(counts) // 3) -> max(len(counts) // 3, 1)": "as above",
        "knn_by_frequency: max(int(test.y.max()), int(train.y.max())) -> max(int(train.y.max()), int(test.y.max()))": "as above",
        "knn_by_frequency: max(test.y.max(), train.y.max()) -> max(train.y.max(), test.y.max())": "as above",
        "chalk_glyphs: min(train, val, test) -> min(val, train, test)": "the smallest of three numbers",
        "drawn_order: row_keys(seed, 1, torch.arange(classes)) -> row_keys(1, seed, torch.arange(classes))": "another stream of random numbers, as good",
        "drawn_order: 1 -> 0": "as above",
        "long_tail: row_keys(seed, 0, torch.arange(len(y))) -> row_keys(0, seed, torch.arange(len(y)))": "as above",
        "long_tail: 0 -> 1": "as above",
        "chalk_glyphs: row_keys(seed, number, torch.arange(n)) -> row_keys(number, seed, torch.arange(n))": "as above",
        "chalk_glyphs: row_keys(0, 0, own) -> row_keys(0, 0, own)": "two arguments that are the same",
        "chalk_glyphs: 0 -> 1": "another order that is drawn once",
        "chalk_glyphs: 1 -> 0": "the number of the version in the name of a cached file"},
    "ul2": {
        "UL2.loss: tokens.device.type == 'cpu' -> tokens.device.type != 'cpu'": "columns of padding say nothing; they cost time"},
    "code_executor": {
        "run_program: 8 -> 9": "a longer secret",
        "run_program: True -> False": "an error while a folder is removed, which has no errors here (that the process leads a group of its own is checked)",
        "run_program: 0 -> 1": "the pipes are read and written by number, without a buffer",
        "run_program: 2 -> 3": "more room than the longest report needs (the bytes of a megabyte are checked)",
        "run_program: 600 -> 601": "as above",
        "run_program: 12 -> 13": "as above",
        "_talk: 0 -> 1": "a process that has closed its ears is told the rest in vain a few times more (that a second is left for an answer is checked)",
        "_talk: 65536 -> 65537": "how much is moved at a time",
        "run_programs: max(1, workers) -> max(workers, 1)": "the larger of two numbers"},
    "hf_lm": {
        "HuggingFaceLM._decode: 0 -> 1": "any symbol marks the columns that are counted (that symbol 0 is read as 0 is checked)",
        "HuggingFaceLM.start: tools.EncoderDecoderCache(tools.DynamicCache(config=self.model.config), tools.DynamicCache(config=self.model.config)) -> tools.EncoderDecoderCache(tools.DynamicCache(config=self.model.config), tools.DynamicCache(config=self.model.config))": "both arguments are the same",
        "HuggingFaceLM.next: 1 -> 0": "of one symbol the last column is the first",
        "HFTokenizer.encode: 40 -> 41": "the text of an error"},
    "reasoning_sets": {
        "_downloaded: 30 -> 31": "seconds of patience",
        "_downloaded: 12 -> 13": "the text of an error"},
    "corpora": {
        "passages: start + 1 -> start": "where the mark stands behind the first place, its last one is the same from there and from before (asked of an empty line, the change is noticed)",
        "passages: start + 1 -> 1": "as above",
        "passages: start + 1 -> start - 1": "as above",
        "passages: 1 -> 0": "as above",
        "tinyshakespeare: 0 -> 1": "the last place is looked for, and it is not the first",
        "tinyshakespeare: 30 -> 31": "seconds of patience",
        "tinyshakespeare: 12 -> 13": "the text of an error",
        "wikitext2: find(f'{n}.txt', f'wiki.{n}.tokens') -> find(f'wiki.{n}.tokens', f'{n}.txt')": "which of two names of one file is looked for first",
        "wikitext2: 0 -> 1": "the last line end is looked for, and it is not the first character",
        "text_files: 2 -> 3": "which line a warning points at",
        "symbol_rows: max(1, len(flat) // length) -> max(len(flat) // length, 1)": "the larger of two numbers"},
    "empo": {
        "RandomReward.earned: 99 -> 100": "another stream of random numbers, as good",
        "base_model: FAMILIES[family](600, 600, held, held, myths=myths, seed=seed) -> FAMILIES[family](600, 600, held, held, myths=myths, seed=seed)": "both arguments are the same",
        "base_model: 320 -> 321": "a size of the tokenizer that nothing turns on",
        "base_model: 48 -> 49": "room for one more symbol, which no row has",
        "base_model: 64 -> 65": "one more row in a batch",
        "base_model: zip(data.fields['question'], data.fields['worked']) -> zip(data.fields['worked'], data.fields['question'])": "byte pairs of the same texts, joined the other way round",
        "example_data: sums(100, 100, 10, 10) -> sums(100, 100, 10, 10)": "both arguments are the same",
        "example_data: 100 -> 101": "one more question in the example",
        "example_data: 10 -> 11": "as above",
        "example_data: 320 -> 321": "as above: one more symbol",
        "example_data: q + w -> q": "other byte pairs, which spell the same texts",
        "example_data: q + w -> w": "as above",
        "example_data: zip(data.fields['question'], data.fields['worked']) -> zip(data.fields['worked'], data.fields['question'])": "as above"},
    "verifiable_tasks": {
        "walk: heard + torch.randint(1, states, (n,), generator=generator) -> heard - torch.randint(1, states, (n,), generator=generator)": "a slip of any size but 0, counted the other way round",
        "draw_questions: mixed_seed(seed, steps, len(split), 11) -> mixed_seed(steps, seed, len(split), 11)": "other questions of the same split, as good",
        "draw_questions: 11 -> 12": "as above",
        "draw_questions: 20 -> 21": "other bits of the same hash",
        "draw_questions: 1000 -> 1001": "one more candidate than enough",
        "draw_questions: 40 -> 41": "more candidates than enough",
        "_myths: table.view(-1)[cells] + torch.randint(1, table.shape[1], (number,), generator=g) -> table.view(-1)[cells] - torch.randint(1, table.shape[1], (number,), generator=g)": "any entry but the true one, counted the other way round",
        "_myths: 7 -> 8": "other myths, as good",
        "_walk_source: mixed_seed(seed, number, steps, 13) -> mixed_seed(number, seed, steps, 13)": "other slips, as good",
        "_walk_source: 13 -> 14": "as above",
        "people: 5 -> 6": "other names, as good",
        "kin: 9 -> 10": "another knowledge base, as good",
        "kin: mixed_seed(seed, len(w.start)) -> mixed_seed(len(w.start), seed)": "other wordings, as good",
        "programs: mixed_seed(seed, steps, len(split), 17) -> mixed_seed(steps, seed, len(split), 17)": "other slips, as good",
        "programs: 17 -> 18": "as above"},
    "grammar": {
        "facts: 6 -> 7": "every sixth fact, counted from another one",
        "facts: k + offset -> k - offset": "as above",
        "telling: pattern == 1 -> pattern != 1": "two of three equally likely patterns change places",
        "telling: random.random() < 0.5 -> random.random() >= 0.5": "as often the one as the other",
        "_documents: mixed_seed(seed, given['seed'], split, k) -> mixed_seed(given['seed'], seed, split, k)": "other documents, as good",
        "_documents: random.random() < 0.5 -> random.random() >= 0.5": "as often the one as the other",
        "grammar: max(200, train // 10) -> max(train // 10, 200)": "the larger of two numbers",
        "grammar: 2 -> 3": "another stream of random numbers, as good",
        "grammar_sentences: mixed_seed(seed, SETTINGS[setting]['seed'], 7 + split, k) -> mixed_seed(SETTINGS[setting]['seed'], seed, 7 + split, k)": "other sentences, as good",
        "grammar_sentences: random.random() < 0.5 -> random.random() >= 0.5": "as often the one as the other",
        "grammar_sentences: 7 + split -> 7 - split": "other streams of random numbers, none of which is a document's",
        "grammar_sentences: 7 -> 8": "another stream of random numbers, as good"},
    "audio_files": {
        "resampled: math.gcd(rate, to) -> math.gcd(to, rate)": "the same divisor",
        "_rows: min(len(f), samples) -> min(samples, len(f))": "the smaller of two numbers",
        "_spoken_digits_place: 30 -> 31": "seconds of patience",
        "_spoken_digits_all: 16 -> 17": "a wider column for the names",
        "spoken_digits: max(0, s - found['x'].shape[1]) -> max(s - found['x'].shape[1], 0)": "the larger of two numbers",
        "spoken_digits: s - found['x'].shape[1] -> s + found['x'].shape[1]": "what is too much is cut off",
        "spoken_digits: s - found['x'].shape[1] -> s": "as above",
        "_spoken_digits_all: 2 -> 3": "which line a warning points to (in the name's parts a check notices it)"},
    "brain_files": {
        "read_recording: torch.zeros(0, 0) -> torch.zeros(0, 0)": "the same",
        "read_recording: True -> False": "the samples are read when they are asked for",
        "read_recording: 0.0 -> 1.0": "what is not finite becomes zero behind the filter",
        "read_recording: 5 -> 6": "how many names an error lists",
        "windows: r.x.unfold(1, size, by).transpose(0, 1) -> r.x.unfold(1, size, by).transpose(1, 0)": "two dimensions change places, whichever is named first",
        "windows: max(1, int(r.x.shape[1] / r.hz)) -> max(int(r.x.shape[1] / r.hz), 1)": "the larger of two numbers",
        "windows: min(least, seconds) -> min(seconds, least)": "the smaller of two numbers",
        "windows: torch.minimum(start + seconds, torch.tensor(onset + lasts)) -> torch.minimum(torch.tensor(onset + lasts), start + seconds)": "as above",
        "windows: torch.maximum(start, torch.tensor(onset)) -> torch.maximum(torch.tensor(onset), start)": "the larger of two numbers",
        "ssvep: False -> True": "whether objects may be loaded from a file that holds none",
        "ssvep: 1000000.0 -> 1000001.0": "a millionth louder"},
    "brain": {
        "coloured: f.clamp(min=0.5) -> f": "frequencies below half a hertz have the weight 0",
        "people: u(0, 2 * math.pi) -> u(2 * math.pi, 0)": "the same numbers, drawn from the other end",
        "people: u(0, 1) -> u(1, 0)": "as above",
        "people: u(-0.2, 0.2) -> u(0.2, -0.2)": "as above",
        "people: u(-0.4, 0.4) -> u(0.4, -0.4)": "as above",
        "people: mixed_seed(seed, 17) -> mixed_seed(17, seed)": "other persons, as good",
        "recordings: 0.8 * coloured((n, channels, samples), slope[:, None].expand(-1, channels), hz, g) + 0.6 * coloured((n, 1, samples), slope[:, None], hz, g) -> 0.8 * coloured((n, channels, samples), slope[:, None].expand(-1, channels), hz, g) - 0.6 * coloured((n, 1, samples), slope[:, None], hz, g)": "noise has no sign",
        "recordings: x + seen(front, 0.6)[..., None] * rhythm[:, None] -> x - seen(front, 0.6)[..., None] * rhythm[:, None]": "a wave that begins anywhere",
        "recordings: x + seen(torch.stack([torch.where(flip(0.5), 0.9, -0.9), u(-0.3, 0.3)], 1), 0.4)[..., None] * cramp[:, None] -> x - seen(torch.stack([torch.where(flip(0.5), 0.9, -0.9), u(-0.3, 0.3)], 1), 0.4)[..., None] * cramp[:, None]": "noise has no sign",
        "recordings: 9.0 -> 10.0": "as far away",
        "recordings: u(0.35, 0.7) -> u(0.7, 0.35)": "the same numbers, drawn from the other end",
        "recordings: u(0.05, 0.95) -> u(0.95, 0.05)": "as above",
        "recordings: u(0, seconds, 8) -> u(seconds, 0, 8)": "as above",
        "recordings: u(0.8, 1.6, 1) -> u(1.6, 0.8, 1)": "as above",
        "recordings: u(0, 1, 1) -> u(1, 0, 1)": "as above",
        "recordings: u(-0.6, 0.6) -> u(0.6, -0.6)": "as above",
        "recordings: u(-0.3, 0.3) -> u(0.3, -0.3)": "as above",
        "recordings: who.focus[person] + 0.1 * torch.randn(n, 2, generator=g) -> who.focus[person] - 0.1 * torch.randn(n, 2, generator=g)": "a normal number is as often below zero as above",
        "recordings: who.seizure[person, None] * t + u(0, 1, 1) -> who.seizure[person, None] * t - u(0, 1, 1)": "a phase that begins anywhere",
        "recordings: u(*setting.seizure_hz, 1) * t + u(0, 1, 1) -> u(*setting.seizure_hz, 1) * t - u(0, 1, 1)": "as above",
        "recordings: tone[:, None] * t + u(0, 1, 1) -> tone[:, None] * t - u(0, 1, 1)": "as above",
        "recordings: f.clamp(min=1e-06) -> f": "the square root of infinity lets nothing through either",
        "brain: min(train, val, test) -> min(val, train, test)": "the smallest of three numbers",
        "brain: mixed_seed(seed, number, 29) -> mixed_seed(number, seed, 29)": "other windows, as good",
        "brain: 29 -> 30": "as above",
        "brain: recordings.__module__ != '__main__' -> recordings.__module__ == '__main__'": "a name in the cache, which a notebook has to itself"},
    "videos": {
        "_neighbours: paths(kind.flatten(), reach.repeat_interleave(others), pace.flatten(), phase.flatten(0, 1), frames).unflatten(0, (n, others)).transpose(1, 2) -> paths(kind.flatten(), reach.repeat_interleave(others), pace.flatten(), phase.flatten(0, 1), frames).unflatten(0, (n, others)).transpose(2, 1)": "a transposition exchanges two dimensions, whichever is named first",
        "_neighbours: draw.uniform(7.0, 11.0, shape=(others,)) -> draw.uniform(11.0, 7.0, shape=(others,))": "the same numbers, drawn from the other end",
        "sample_clips: draw.uniform(-1, 1, shape=(3,)) -> draw.uniform(1, -1, shape=(3,))": "as above",
        "sample_flights: draw.uniform(-1, 1) -> draw.uniform(1, -1)": "as above",
        "sample_flights: heading + draw.uniform(-1, 1) * wobble * (side == 0) -> heading - draw.uniform(-1, 1) * wobble * (side == 0)": "as often to the one side as to the other",
        "sample_clips: 61 -> 62": "another stream of random numbers, as good",
        "sample_flights: 67 -> 68": "as above",
        "optical_flow: depth.clamp(min=0.0001) -> depth": "the sky, whose depth is 0, is not divided by it",
        "videos: min(train, val, test) -> min(val, train, test)": "the smallest of three numbers",
        "videos: min(512, sizes[split] - first) -> min(sizes[split] - first, 512)": "the smaller of two numbers",
        "videos: mixed_seed(seed, number, 7) -> mixed_seed(number, seed, 7)": "other clips, as good",
        "flow_colours: max(float(length.max()) if most is None else most, 1e-06) -> max(1e-06, float(length.max()) if most is None else most)": "the larger of two numbers"},
    "cloud_files": {
        "surface_points: -1 -> 1": "grids of voxels have three equal sides",
        "Mesh.sample: 3 -> 4": "one more random number, which nobody reads",
        "modelnet_voxels: 128 -> 129": "how many grids are sampled at a time",
        "Mesh.sample: torch.linalg.cross(b - a, c - a) -> torch.linalg.cross(c - a, b - a)": "the length of a product of vectors has no sign",
        "Mesh.sample: row_keys(seed, 0, torch.arange(1)) -> row_keys(0, seed, torch.arange(1))": "other points, as good",
        "Mesh.sample: True -> False": "asked only of a number that is exactly the border of two faces",
        "surface_points: min(count, side ** 3) -> min(side ** 3, count)": "the smaller of two numbers"},
    "clouds": {
        "_through: torch.maximum(low, torch.where(a > 0, first, torch.where(down, second, -torch.inf))) -> torch.maximum(torch.where(a > 0, first, torch.where(down, second, -torch.inf)), low)": "the larger of two numbers",
        "_through: torch.minimum(high, torch.where(a > 0, second, torch.where(down, torch.inf, first))) -> torch.minimum(torch.where(a > 0, second, torch.where(down, torch.inf, first)), high)": "the smaller of two numbers",
        "_through: torch.minimum((-b - root) / a, (-b + root) / a) -> torch.minimum((-b + root) / a, (-b - root) / a)": "as above",
        "_through: torch.maximum((-b - root) / a, (-b + root) / a) -> torch.maximum((-b + root) / a, (-b - root) / a)": "the larger of two numbers",
        "_through: (b * b - a * c).clamp(min=0) -> b * b - a * c": "where it is below zero the line misses: nothing is above NaN",
        "_normals: normal.norm(dim=1, keepdim=True).clamp(min=1e-09) -> normal.norm(dim=1, keepdim=True)": "a normal is 0 at an apex only, where no line enters",
        "_normals: (2 * gradient[:, :3].norm(dim=1)).clamp(min=1e-09) -> 2 * gradient[:, :3].norm(dim=1)": "as above",
        "_normals: (gradient * q1).sum(1) / (2 * gradient[:, :3].norm(dim=1)).clamp(min=1e-09) -> (gradient * q1).sum(1) * (2 * gradient[:, :3].norm(dim=1)).clamp(min=1e-09)": "zero on the quadric and below zero elsewhere, whatever the factor",
        "_normals: (gradient * q1).sum(1) / (2 * gradient[:, :3].norm(dim=1)).clamp(min=1e-09) -> (gradient * q1).sum(1)": "as above",
        "_normals: (gradient * q1).sum(1) -> (gradient * q1).mean(1)": "as above",
        "_normals: 2 * gradient[:, :3].norm(dim=1) -> 2 / gradient[:, :3].norm(dim=1)": "as above",
        "_normals: 2 * gradient[:, :3].norm(dim=1) -> 2": "as above",
        "_normals: 2 * gradient[:, :3].norm(dim=1) -> gradient[:, :3].norm(dim=1)": "as above",
        "surfaces: 1.85 -> 2.85": "lines through a larger ball: more of them miss",
        "_areas: 1.85 -> 2.85": "as above",
        "surfaces: torch.linalg.cross(way, torch.nn.functional.normalize(torch.randn(4 * count, 3, generator=g, dtype=torch.float64), dim=1)) -> torch.linalg.cross(torch.nn.functional.normalize(torch.randn(4 * count, 3, generator=g, dtype=torch.float64), dim=1), way)": "a direction across the line, or its opposite",
        "_areas: torch.linalg.cross(way, torch.randn(100000, 3, generator=g, dtype=torch.float64)) -> torch.linalg.cross(torch.randn(100000, 3, generator=g, dtype=torch.float64), way)": "as above",
        "object_clouds: x + noise * draw.fork(1).normal((points, 3)) -> x - noise * draw.fork(1).normal((points, 3))": "noise has no sign",
        "object_clouds: 41 -> 42": "another stream of random numbers, as good",
        "scene_clouds: 43 -> 44": "as above",
        "object_clouds: 4 -> 5": "more candidates than are needed",
        "scene_clouds: torch.minimum(which, scenes.count[:, None] - 1) -> torch.minimum(scenes.count[:, None] - 1, which)": "the smaller of two numbers",
        "scene_clouds: draw.uniform(-extent, extent, shape=(points, 2)) -> draw.uniform(extent, -extent, shape=(points, 2))": "the same numbers, drawn from the other end",
        "clouds: min(train, val, test) -> min(val, train, test)": "the smallest of three numbers",
        "clouds: 5 -> 6": "other scenes, as good",
        "clouds: mixed_seed(seed, number, 5) -> mixed_seed(number, seed, 5)": "as above"},
    "denoisers": {
        "span_numbers: torch.minimum(middle, length - middle) -> torch.minimum(length - middle, middle)": "the smaller of two numbers",
        "span_numbers: torch.minimum(hidden.clamp(min=1), torch.where(rate < 1, (length - 1).clamp(min=1), length)) -> torch.minimum(torch.where(rate < 1, (length - 1).clamp(min=1), length), hidden.clamp(min=1))": "as above",
        "span_numbers: torch.minimum((hidden / span).round().long().clamp(1, most), torch.minimum(hidden, shown + 1)) -> torch.minimum(torch.minimum(hidden, shown + 1), (hidden / span).round().long().clamp(1, most))": "as above",
        "span_numbers: torch.minimum(hidden, shown + 1) -> torch.minimum(shown + 1, hidden)": "as above",
        "span_numbers: -draw.uniform(shape=(most + 1,))[:, :len(k) + 1].clamp(min=1e-09).log() -> draw.uniform(shape=(most + 1,))[:, :len(k) + 1].clamp(min=1e-09).log()": "shares of a whole: the sign is divided away"},
    "lm_scores": {
        "surprise: -1 -> 1": "a row for each symbol: two dimensions",
        "choose: nats.sum(1) -> nats.mean(1)": "rows of one width: the least stays the least"},
    "lm_sampling": {
        "kept: True -> False": "sorting on a CPU keeps the order of equals anyway",
        "complete: 40 -> 41": "how much of a text an error quotes",
        "kept: -1 -> 1": "logits have two dimensions",
        "write: 1 -> 0": "one copy of each row is the row"},
    "speech": {
        "synthesise: (spectrum[:, 0] * tract + spectrum[:, 1] * narrow * 4) * colour.exp()[:, None] -> (spectrum[:, 0] * tract + spectrum[:, 1] * narrow * 4) / colour.exp()[:, None]": "a normal number is as often below zero as above",
        "synthesise: noise.flip(1).roll(1, 1) -> noise.flip(1).roll(1, 1)": "the same",
        "synthesise: 48000 -> 48001": "rates are multiples of 100",
        "synthesise: min(3500.0, 0.45 * rate) -> min(0.45 * rate, 3500.0)": "the smaller of two numbers",
        "synthesise: buzzing + voices.breath[:, None] * noise * flow -> buzzing - voices.breath[:, None] * noise * flow": "noise has no sign",
        "synthesise: 1.3 * at + turn[:, :1] -> 1.3 * at - turn[:, :1]": "a wave that begins anywhere",
        "synthesise: 3.1 * at + turn[:, 1:] -> 3.1 * at - turn[:, 1:]": "as above",
        "synthesise: 150.0 -> 151.0": "one Hz of bandwidth",
        "synthesise: 80.0 -> 81.0": "as above",
        "synthesise: 2.5 -> 3.5": "the length of the transform",
        "syllables: draw.uniform(0.08, 0.16, shape=(n,)) -> draw.uniform(0.16, 0.08, shape=(n,))": "the same numbers, drawn from the other end",
        "syllables: draw.uniform(0.03, 0.1) -> draw.uniform(0.1, 0.03)": "as above",
        "syllables: draw.uniform(0.05, 0.15, shape=(n,)) -> draw.uniform(0.15, 0.05, shape=(n,))": "as above",
        "speech: min(train, val, test, unseen) -> min(val, train, test, unseen)": "the smallest of four numbers",
        "speech: min(first + 256, sizes[split]) -> min(sizes[split], first + 256)": "the smaller of two numbers",
        "speech: row_keys(mixed_seed(seed, number, 83), 0, index) -> row_keys(0, mixed_seed(seed, number, 83), index)": "other utterances, as good",
        "synthesise: 80.0 * (heard > 0) -> 80.0 / (heard > 0)": "in a pause nothing is heard",
        "synthesise: 80.0 * (heard > 0) -> 80.0": "as above",
        "synthesise: 1e-06 -> 1.000001": "every sound is louder than that",
        "speech: mixed_seed(seed, number, 83) -> mixed_seed(number, seed, 83)": "other utterances, as good",
        "synthesise: spectrum[:, 0] * tract + spectrum[:, 1] * narrow * 4 -> spectrum[:, 0] * tract - spectrum[:, 1] * narrow * 4": "noise has no sign",
        "synthesise: 250.0 -> 251.0": "one Hz of bandwidth",
        "synthesise: x.abs().amax(1, keepdim=True).clamp(min=1e-06) -> x.abs().amax(1, keepdim=True)": "NaN becomes the whole number 0, silence",
        "synthesise: (2 * math.pi * (1.3 * at + turn[:, :1])).sin() + 0.5 * (2 * math.pi * (3.1 * at + turn[:, 1:])).sin() -> (2 * math.pi * (1.3 * at + turn[:, :1])).sin() - 0.5 * (2 * math.pi * (3.1 * at + turn[:, 1:])).sin()": "waves that begin anywhere",
        "sample_voices: row_keys(seed, 91, number) -> row_keys(91, seed, number)": "other voices, as good",
        "sample_voices: 91 -> 92": "as above",
        "sample_voices: draw.uniform(0.45, 0.75) -> draw.uniform(0.75, 0.45)": "the same numbers, drawn from the other end",
        "sample_voices: draw.uniform(0.02, 0.15) -> draw.uniform(0.15, 0.02)": "as above",
        "sample_voices: draw.uniform(0.9, 1.1) -> draw.uniform(1.1, 0.9)": "as above",
        "synthesise: draw.uniform(-3 ** 0.5, 3 ** 0.5, shape=(s,)) -> draw.uniform(3 ** 0.5, -3 ** 0.5, shape=(s,))": "as above",
        "synthesise: draw.uniform(-0.4, 1.2) -> draw.uniform(1.2, -0.4)": "as above",
        "synthesise: x + hum * (x.square().mean(1).sqrt() * 10 ** (-snr / 20) / 1.22)[:, None] -> x - hum * (x.square().mean(1).sqrt() * 10 ** (-snr / 20) / 1.22)[:, None]": "noise has no sign",
        "synthesise: _stretched(buzz, s) * (buzzing + voices.breath[:, None] * noise * flow) + _stretched(breath, s) * noise -> _stretched(buzz, s) * (buzzing + voices.breath[:, None] * noise * flow) - _stretched(breath, s) * noise": "as above",
        "synthesise: durations.gather(1, which).clamp(min=0.001) -> durations.gather(1, which)": "of a sound without length no share is over: NaN is below no number",
        "synthesise: 1 + manner.melody * ((2 * math.pi * (1.3 * at + turn[:, :1])).sin() + 0.5 * (2 * math.pi * (3.1 * at + turn[:, 1:])).sin()) -> 1 - manner.melody * ((2 * math.pi * (1.3 * at + turn[:, :1])).sin() + 0.5 * (2 * math.pi * (3.1 * at + turn[:, 1:])).sin())": "waves that begin anywhere",
        "synthesise: 70.0 -> 71.0": "one Hz of bandwidth",
        "synthesise: 100.0 -> 101.0": "as above",
        "synthesise: 2 ** math.ceil(math.log2(2.5 * hop)) // 2 + 1 -> 2 ** math.ceil(math.log2(2.5 * hop)) // 2 - 1": "the length of the transform",
        "sample_voices: torch.tensor([0.95, 1.1])[group] * (0.05 * draw.normal().clamp(-2, 2)).exp() -> torch.tensor([0.95, 1.1])[group] / (0.05 * draw.normal().clamp(-2, 2)).exp()": "a normal number is as often below zero as above",
        "sample_voices: torch.tensor([115.0, 190.0])[group] * (0.12 * draw.normal().clamp(-2, 2)).exp() -> torch.tensor([115.0, 190.0])[group] / (0.12 * draw.normal().clamp(-2, 2)).exp()": "as above"},
    "lm": {
        "DecoderLM.wanted_logits: 1 -> 0": "there is such a row, or none: how they are counted is the error's text",
        "LMLayer.forward: F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2) -> F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(2, 1)": "a transposition exchanges two dimensions, whichever is named first",
        "LMLayer.forward: F.scaled_dot_product_attention(q, *cache.memory[number], attn_mask=cache.heard[:, None, None]).transpose(1, 2) -> F.scaled_dot_product_attention(q, *cache.memory[number], attn_mask=cache.heard[:, None, None]).transpose(2, 1)": "as above",
        "checked: 0 -> 1": "every context has room for one symbol",
        "LanguageModel.log_probs: -1 -> 1": "there are two dimensions",
        "DecoderLM.next: 1 -> 0": "one column was read: the first is the last",
        "EncoderDecoderLM.start: 1 -> 0": "as above",
        "EncoderDecoderLM.next: 1 -> 0": "as above",
        "targets_first: True -> False": "PyTorch sorts in a stable way on a CPU in any case",
        "DecoderLM.read: 0 -> 1": "any symbol of the vocabulary: only padding or not is asked (the other 0, of the table, is checked)",
        "EncoderDecoderLM.write: 0 -> 1": "any symbol of the vocabulary: only padding or not is asked"},
    "sequence_transformer": {
        "SequenceBlock.forward: F.scaled_dot_product_attention(*self.attention.split(x), attn_mask=mask).transpose(1, 2) -> F.scaled_dot_product_attention(*self.attention.split(x), attn_mask=mask).transpose(2, 1)": "a transposition exchanges two dimensions, whichever is named first"},
    "logmel": {
        "framed: max(hop, (window - hop + 1) // 2 + 1) -> max((window - hop + 1) // 2 + 1, hop)": "the larger of two numbers",
        "hz_to_mel: hz.clamp(min=1000) -> hz": "the other piece is chosen there; it keeps gradients finite",
        "mel_to_hz: mel.clamp(min=15) -> mel": "as above",
        "mel_filters: torch.minimum(rising, falling) -> torch.minimum(falling, rising)": "the smaller of two numbers",
        "mel_filters: bands.sum(0) -> bands.mean(0)": "asked only whether it is zero"},
    "answers": {
        "rouge_l: max(1, len(a)) -> max(len(a), 1)": "the larger of two is the same in either order",
        "rouge_l: max(1, len(b)) -> max(len(b), 1)": "as above",
        "rouge_l: max(row[k], row[k - 1]) -> max(row[k - 1], row[k])": "as above",
        "answer_report: 1 -> 0": "the mean of means over rows or over columns is the mean of all",
        "rouge_l: p + r -> p": "in the condition: precision and recall are zero together (in the denominator a check notices it)",
        "rouge_l: p + r -> r": "as above",
        "AnswerJudge.right: same_answer(x, g) -> same_answer(g, x)": "equality is symmetric"},
    "policy_gradient": {
        "clipped_loss: torch.minimum(free, held) -> torch.minimum(held, free)": "the smaller of two is the same in either order"},
    "offline": {
        "_pieces: 6 -> 7": "how many names an error lists",
        "read_episodes: max(1, len(pieces) // 10) -> max(len(pieces) // 10, 1)": "the larger of two is the same in either order"},
    "mazes": {
        "regions: 0.001 -> 1.001": "still less than one step, and in the same order, in mazes of less than a thousand cells",
        "mazes: m.steps(x, goal) -> m.steps(goal, x)": "doors are open from both sides: there is as far as back",
        "maze_env: m.steps(self.x, self.goal) -> m.steps(self.goal, self.x)": "as above",
        "maze_env: m.reached(self.x, self.goal) -> m.reached(self.goal, self.x)": "as near",
        "maze_env: 10 -> 11": "how fast a film of it is shown",
        "maze_env: 31 -> 32": "another stream of random numbers",
        "Maze.scale: max(self.rows, self.columns) -> max(self.columns, self.rows)": "the larger of two is the same in either order",
        "Maze.distance: True -> False": "all links have length 1, so that steps and lengths are the same",
        "Maze.direct_actions: 9 * (ahead == x[:, None]).all(2) -> (ahead == x[:, None]).all(2)": "a step costs at most 1 in distance, so that 1 is enough to make staying the last choice",
        "Maze.direct_actions: 9 -> 10": "as above",
        "PointMaze.step: torch.minimum(to, high) -> torch.minimum(high, to)": "the smaller of two is the same in either order",
        "PointMaze.step: torch.maximum(to, low) -> torch.maximum(low, to)": "the larger of two is the same in either order",
        "PointMaze.start: self.places[cell] + (torch.rand(len(cell), 2, generator=generator) - 0.5) * 0.8 * self.scale -> self.places[cell] - (torch.rand(len(cell), 2, generator=generator) - 0.5) * 0.8 * self.scale": "the draw is symmetric about the middle",
        "winding: k + 2 -> k - 2": "the opposite of four directions, counted forwards or backwards",
        "maze: 2 -> 3": "a default that no size of 2 or more falls below",
        "regions: 0.001 * torch.arange(m.cells) / m.cells -> 0.001 * torch.arange(m.cells)": "still less than one step, and in the same order",
        "regions: 0.001 * torch.arange(m.cells) -> torch.arange(m.cells)": "as above",
        "places: mixed_seed(seed, 11) -> mixed_seed(11, seed)": "another stream of random numbers",
        "places: 11 -> 12": "as above",
        "mazes: mixed_seed(seed, 7) -> mixed_seed(7, seed)": "as above",
        "mazes: 7 -> 8": "as above",
        "mazes: min(train, length, val, test) -> min(length, train, val, test)": "the smallest is the same in either order"},
    "rollouts": {
        "Rollout.efficiency: torch.maximum(self.steps.to(shortest.dtype), shortest) -> torch.maximum(shortest, self.steps.to(shortest.dtype))": "the larger of two is the same in either order",
        "film_strip: min(count, len(frames)) -> min(len(frames), count)": "the smaller of two is the same in either order",
        "animation: 64 -> 65": "one more colour in the palette",
        "animation: False -> True": "how small the file becomes, not what it shows",
        "animation: 1000 -> 1001": "a frame that lasts a thousandth longer, in a format that counts hundredths"},
    "replay": {
        "relabel: torch.minimum(at + ahead, last) -> torch.minimum(last, at + ahead)": "the smaller of two is the same in either order",
        "relabel: min(future, current) -> min(current, future)": "as above",
        "relabel: -math.inf -> math.inf": "a finite number divided by either is zero, whose floor is zero",
        "windows: torch.minimum(place, last[:, None]) -> torch.minimum(last[:, None], place)": "the smaller of two is the same in either order",
        "Replay.windows: row_keys(seed, round, torch.arange(n)) -> row_keys(round, seed, torch.arange(n))": "another stream of random numbers",
        "Replay.episodes: self.fields[k][order].transpose(0, 1) -> self.fields[k][order].transpose(1, 0)": "two dimensions change places, whichever is named first"},
    "graph_files": {
        "_download: False -> True": "whether the download is announced"},
    "graph_sets": {
        "Union.adjacency: False -> True": "whether indices are checked that are right",
        "Union.adjacency: 0 -> 1": "edges stand in both directions: the one end or the other",
        "readout: 0 -> 1": "a column of ones, in the shape of whichever column",
        "read_graphs: extra[:1].sum() -> extra[:1].mean()": "of one number",
        "_fields: 0 -> 1": "edges stand in both directions: the one end or the other"},
    "series_files": {
        "_numbers: 1 -> 0": "which line is named where every word by itself is a number",
        "_home: 60 -> 61": "seconds of patience"},
    "table_files": {
        "find_columns: (0.0,) * len(names) -> (0.0,)": "rows are encoded without means and deviations, which are found afterwards",
        "find_columns: (0.0,) * len(names) -> len(names)": "as above",
        "find_columns: (1.0,) * len(names) -> (1.0,)": "as above",
        "find_columns: (1.0,) * len(names) -> len(names)": "as above",
        "find_columns: 0.0 -> 1.0": "as above",
        "find_columns: 1.0 -> 2.0": "as above",
        "encode_frame: 2 -> 3": "which line a warning points to"},
    "tables": {
        "make_rows: centres[group] + 0.3 * torch.randn(count, latents, generator=h) -> centres[group] - 0.3 * torch.randn(count, latents, generator=h)": "minus a normal number is as normal",
        "make_rows: bent(latent @ weight.T + offset, bends) + noise * torch.randn(count, numeric, generator=h) -> bent(latent @ weight.T + offset, bends) - noise * torch.randn(count, numeric, generator=h)": "as above",
        "make_rows: mixed_seed(mechanism, seed, 11) -> mixed_seed(seed, mechanism, 11)": "other draws, from the same numbers",
        "make_rows: min(count, latents, shown, bends) -> min(latents, count, shown, bends)": "the smallest of four numbers",
        "make_rows: torch.rand(l.shape, generator=h).clamp(min=1e-09) -> torch.rand(l.shape, generator=h)": "the logarithm of 0, once in 2^24 draws, says that this category is not drawn",
        "tables: mixed_seed(seed, k) -> mixed_seed(k, seed)": "other draws, from the same numbers",
        "real_table: mixed_seed(seed, len(x)) -> mixed_seed(len(x), seed)": "another split, as good"},
    "table_heads": {
        "AutoIntHead.forward: zip(self.attention, self.past) -> zip(self.past, self.attention)": "the two are added, whichever has which name",
        "fitted: mixed_seed(seed, 1) -> mixed_seed(1, seed)": "another draw, from the same two numbers",
        "fitted: F.mse_loss(said[:, 0], (y[rows] - mean) / std) -> F.mse_loss((y[rows] - mean) / std, said[:, 0])": "a squared difference has no sign",
        "fitted: 2048 -> 2049": "rows at a time",
        "table_scores: mixed_seed(seed, draw) -> mixed_seed(draw, seed)": "another draw, from the same two numbers",
        "table_scores: 500 -> 501": "how many rows choose the setting, a size",
        "table_scores: h == 'trees' -> h != 'trees'": "both grids have three settings"},
    "tabular": {
        "TabularTokenizer.reset_parameters: False -> True": "the tokenizer has no parts with parameters of their own",
        "TableEncoder.tokens: keep[..., None].expand(-1, -1, self.width) -> keep[..., None].expand(-1, -1, self.width)": "both arguments are the same"},
    "graphs": {
        "block_edges: total.square() / 2 -> total.square() * 2": "a factor of all groups, which their sum divides out",
        "block_edges: total.square() / 2 -> total.square()": "as above",
        "block_edges: 2 -> 3": "as above (the other 2s are killed)",
        "block_edges: torch.outer(total, total) -> torch.outer(total, total)": "both arguments are the same",
        "block_edges: torch.searchsorted(mass, edge[g] + r * total[g], right=True).clamp(max=len(block) - 1) -> torch.searchsorted(mass, edge[g] + r * total[g], right=True)": "r is below 1: only a rounding error can lead past the last node",
        "block_edges: 1e-09 -> 1.000000001": "stands for any number where there is nothing across, to avoid 0 / 0",
        "block_edges: torch.arange(k)[:, None].expand(k, k) -> torch.arange(k)[:, None].expand(k, k)": "both arguments are the same",
        "block_edges: torch.arange(k).expand(k, k) -> torch.arange(k).expand(k, k)": "both arguments are the same",
        "block_edges: len(block) - 1 -> len(block) + 1": "as above: only a rounding error can lead past the last node",
        "block_edges: len(block) - 1 -> len(block)": "as above",
        "block_edges: 1 -> 0": "as above (the other 1s are killed)",
        "block_edges: True -> False": "a random number that equals a sum of propensities has probability 0",
        "words: 8192 -> 8193": "nodes at a time: rows are drawn one after the other anyway",
        "words: 1.0 -> 2.0": "a topic is divided by its sum",
        "numbers: strength[:, None] * centres[block] + torch.randn(len(block), width, generator=generator) -> strength[:, None] * centres[block] - torch.randn(len(block), width, generator=generator)": "minus a normal number is as normal",
        "digits_graph: 93 -> 94": "another split, as good"},
    "gnn": {
        "GNN.forward: -1 -> 1": "x has two dimensions",
        "NodeEncoder.forward: self._a.device != x.device -> self._a.device == x.device": "on a single device nothing moves"},
    "graph": {
        "Graph.degree: 0 -> 1": "every edge stands there in both directions",
        "Graph.matrix: 1 -> 0": "the sums of rows and of columns of a symmetric matrix are the same (the other 1s are killed)",
        "Graph.adjacency: False -> True": "asks for an examination that it passes",
        "knn_edges: nearest(x, x, k + 1) -> nearest(x, x, k + 1)": "both arguments are the same",
        "knn_edges: True -> False": "sorting on a CPU keeps the order of equals anyway",
        "layout: len(graph) < 200 -> len(graph) >= 200": "both solvers find the same vectors; the other one is faster",
        "layout: 200 -> 201": "as above",
        "layout: 0 -> 1": "another first guess of the solver, as good",
        "layout: 500 -> 501": "a bound on the solver's rounds that is not reached",
        "layout: 0.001 -> 1.001": "the solver is more exact than it is asked to be"},
    "cluster_metrics": {
        "clustering_scores: normalized_mutual_info_score(labels, cluster) -> normalized_mutual_info_score(cluster, labels)": "the measure is symmetric",
        "clustering_scores: adjusted_rand_score(labels, cluster) -> adjusted_rand_score(cluster, labels)": "as above"},
    "autoencoder": {
        "Autoencoder.loss: F.mse_loss(self.decoder(self.encoder(x)).float(), x.float()) -> F.mse_loss(x.float(), self.decoder(self.encoder(x)).float())": "a squared difference has no sign"},
    "graph_views": {
        "add_edges: 2 * (wanted - len(found)) + 8 -> 2 * (wanted - len(found))": "how many pairs are drawn at a time: the first new ones are taken, however many there are",
        "add_edges: 2 * (wanted - len(found)) + 8 -> 8": "as above",
        "add_edges: 2 * (wanted - len(found)) -> 2": "as above",
        "add_edges: 2 * (wanted - len(found)) -> wanted - len(found)": "as above",
        "add_edges: 8 -> 9": "as above",
        "add_edges: 2 -> 3": "as above (the other 2s are killed)",
        "add_edges: wanted - len(found) -> wanted + len(found)": "as above",
        "add_edges: wanted - len(found) -> wanted": "as above",
        "_first: True -> False": "sorting on a CPU keeps the order of equals anyway",
        "add_edges: mixed_seed(seed, n) -> mixed_seed(n, seed)": "another draw, from the same two numbers"},
    "scgc": {
        "Clusterer.sharpening: q.detach() -> q": "no gradient passes through a target anyway; without it processes exchange less",
        "SCGC.loss: F.mse_loss(self.decoder(z).float(), x.float()) -> F.mse_loss(x.float(), self.decoder(z).float())": "a squared difference has no sign"},
    "hilp": {
        "HILP.loss: value(ahead, there) -> value(there, ahead)": "a distance is the same in both directions",
        "HILP.loss: value(here, there) -> value(there, here)": "as above"},
    "points": {
        "rotation_about_z: -1 -> 1": "angles have one dimension, so that the last of what is stacked is dimension 1",
        "any_rotation: -1 -> 1": "as above, for the parts of quaternions",
        "farthest: (x - last[:, :, None]).square_().sum(1) -> (x - last[:, :, None]).square_().mean(1)": "the farthest is the farthest in thirds, too",
        "farthest: x.float().transpose(1, 2) -> x.float().transpose(2, 1)": "two dimensions change places, whichever is named first",
        "farthest: torch.minimum(gap, away) -> torch.minimum(away, gap)": "the smaller of two is the same in either order",
        "interpolate: min(k, at.shape[1]) -> min(at.shape[1], k)": "as above",
        "interpolate: distance + 1e-08 -> distance - 1e-08": "it keeps a distance of 0 from being divided by, on either side",
        "one_sided: a.shape[-2] * b.shape[-2] <= 4096 -> a.shape[-2] * b.shape[-2] > 4096": "both ways compute the same, one of them sooner",
        "one_sided: a.shape[-2] * b.shape[-2] -> a.shape[-2] / b.shape[-2]": "as above",
        "one_sided: a.shape[-2] * b.shape[-2] -> a.shape[-2]": "as above",
        "one_sided: a.shape[-2] * b.shape[-2] -> b.shape[-2]": "as above",
        "one_sided: 4096 -> 4097": "as above",
        "one_sided: False -> True": "matters under autocast only",
        "_one_sided_large: 2048 -> 2049": "the size of a part",
        "chamfer: a.shape[-2] * b.shape[-2] <= 4096 -> a.shape[-2] * b.shape[-2] > 4096": "both ways compute the same, one of them sooner",
        "chamfer: a.shape[-2] * b.shape[-2] -> a.shape[-2] / b.shape[-2]": "as above",
        "chamfer: a.shape[-2] * b.shape[-2] -> a.shape[-2]": "as above",
        "chamfer: a.shape[-2] * b.shape[-2] -> b.shape[-2]": "as above",
        "chamfer: 4096 -> 4097": "as above",
        "chamfer: False -> True": "matters under autocast only"},
    "tera": {
        "TERA.loss: chosen_error(self.restore(altered, lengths), x, chosen) -> chosen_error(x, self.restore(altered, lengths), chosen)": "two numbers are as far from each other in either order"},
    "spans": {
        "spread: torch.maximum(kept[:, k:], starts[:, :-k]) -> torch.maximum(starts[:, :-k], kept[:, k:])": "the larger of two is the same in either order",
        "span_starts: 2.0 -> 3.0": "any number above those that are drawn", "bernoulli_spans: 2.0 -> 3.0": "as above", "block_spans: 2.0 -> 3.0": "as above",
        "block_spans: 2 -> 3": "one more cell behind the last, which is never chosen"},
    "alteration": {
        "alter_magnitude: 7 -> 8": "another stream of the same numbers"},
    "svm": {
        "linear_svm: 1 -> 0": "of one model the best on val is the middle one",
        "linear_svm: 0 -> 1": "another random start of a solver that has one end",
        "linear_svm: f.z - mean -> f.z + mean": "a shift of all features, which the constant of every classifier takes back",
        "linear_svm: f.z - mean -> f.z": "as above"},
    "point_transformer": {
        "place_code: nn.Linear(dim, dim) -> nn.Linear(dim, dim)": "two arguments that are the same",
        "MiniPointNet.forward: -2 -> 2": "members of groups have four dimensions, so that the last but one is dimension 2",
        "MaskedBlock.forward: heard.transpose(1, 2) -> heard.transpose(2, 1)": "two dimensions change places, whichever is named first",
        "packed: True -> False": "PyTorch's sort of small numbers of values keeps the order of equals anyway",
        "PointEncoder.reset_parameters: 8 -> 9": "no layer has nine inputs"},
    "alibi": {
        "head_slopes: 2 * power + 1 -> 2 * power - 1": "fewer than `power` of these numbers are taken",
        "head_slopes: 2 * power + 1 -> 2 * power": "as above",
        "alibi: max(int(queries.max()), int(keys.max())) -> max(int(keys.max()), int(queries.max()))": "the larger of two is the same in either order",
        "BiasedAttention.split: f(t).unflatten(-1, (self.heads, -1)).transpose(1, 2) -> f(t).unflatten(-1, (self.heads, -1)).transpose(2, 1)": "two dimensions change places, whichever is named first",
        "BiasedAttention.forward: seen.transpose(1, 2) -> seen.transpose(2, 1)": "as above"},
    "cubes": {
        "cube_grid: min(t, p) -> min(p, t)": "the smaller of two is the same in either order"},
    "clips": {
        "random_starts: _known(frames, stride) -> _known(stride, frames)": "the words of an error for two mistakes at once",
        "even_starts: _known(frames, stride) -> _known(stride, frames)": "as above",
        "take_clips: _known(frames, stride) -> _known(stride, frames)": "as above",
        "random_starts: torch.minimum((draw.uniform() * free).long(), free - 1) -> torch.minimum(free - 1, (draw.uniform() * free).long())": "the smaller of two is the same in either order",
        "random_starts: free - 1 -> free + 1": "guards against rounding, which draws of 24 bits do not reach at these lengths",
        "random_starts: free - 1 -> free": "as above",
        "take_clips: torch.minimum(at, lengths.view(several) - 1) -> torch.minimum(lengths.view(several) - 1, at)": "the smaller of two is the same in either order",
        "MultiScaleCrop.sample: (pairs[draw.integers(len(pairs))] * side).round().clamp(min=1) -> (pairs[draw.integers(len(pairs))] * side).round()": "for shares that leave no pixel",
        "MultiScaleCrop.sample: -2 -> 2": "pictures have four dimensions, so that the last but one is dimension 2",
        "spread_crops: min(height, width) -> min(width, height)": "the smaller of two is the same in either order"},
    "video_vit": {
        "waves: max(1, dim // 2) -> max(dim // 2, 1)": "the larger of two is the same in either order",
        "VideoViT.tokens: keep[..., None].expand(-1, -1, self.dim) -> keep[..., None].expand(-1, -1, self.dim)": "two arguments that are the same",
        "VideoViT.tokens: self.normalized(x).transpose(1, 2) -> self.normalized(x).transpose(2, 1)": "two dimensions change places, whichever is named first",
        "VideoViT.reset_parameters: self.project.weight.view(self.dim, -1) -> self.project.weight.view(-1, self.dim)": "a fan-in and fan-out whose sum is the same"},
    "sensor_vit": {
        "SensorViT.codes: sincos(side, side, self.dim) -> sincos(side, side, self.dim)": "two arguments that are the same",
        "SensorViT.tokens: keep[..., None].expand(-1, -1, self.dim) -> keep[..., None].expand(-1, -1, self.dim)": "as above"},
    "text": {
        "Tokenizer.decode: 255 -> 256": "no word ends in the byte 0",
        "TextBlock.forward: F.scaled_dot_product_attention(*attention.split(y), attn_mask=mask).transpose(1, 2) -> F.scaled_dot_product_attention(*attention.split(y), attn_mask=mask).transpose(2, 1)": "two dimensions change places, whichever is named first",
        "TextTransformer.forward: tokens.device.type == 'cpu' -> tokens.device.type != 'cpu'": "the columns that are cut off change nothing"},
    "dual_encoder": {
        "Adapted.squares: -2 -> 2": "pictures have four dimensions, so that the last but one is dimension 2",
        "adapted: 0 -> 1": "pictures are squares"},
    "paired_contrast": {
        "paired_losses: len(za) * world_size() -> len(za) / world_size()": "the same in one process; two are started in tests/test_contract.py",
        "paired_losses: len(za) * world_size() -> len(za)": "as above",
        "paired_nce: paired_losses(za, zb, scale, chunk) -> paired_losses(zb, za, scale, chunk)": "the mean of both directions is symmetric in the two kinds"},
    "clip": {
        "CLIP.loss: paired_nce(self.model.encode_image(x), self.model.encode_text(tokens), scale) -> paired_nce(self.model.encode_text(tokens), self.model.encode_image(x), scale)": "the mean of both directions is symmetric in the two kinds",
        "BagOfWords.bag: 1.0 -> 2.0": "the bag is divided by its sum",
        "CaptionLM.loss: 0 -> 1": "no caption has the byte 1",
        "CaptionLM.loss: tokens > 0 -> tokens <= 0": "in the first place it cuts off less padding, which counts nothing"},
    "collapse": {
        "random_pairs: mixed_seed(seed, count) -> mixed_seed(count, seed)": "another stream of random numbers",
        "random_pairs: first + torch.randint(1, count, (pairs,), generator=g) -> first - torch.randint(1, count, (pairs,), generator=g)": "another row that is not the first"},
    "column_subsets": {
        "size_range: max(1, round(share[0] * columns)) -> max(round(share[0] * columns), 1)": "the larger of two is the same in either order",
        "size_range: max(1, round(share[1] * columns)) -> max(round(share[1] * columns), 1)": "as above",
        "subset_sizes: mixed_seed(seed, step, columns) -> mixed_seed(step, seed, columns)": "another stream of random numbers",
        "column_subsets: min(context, target, contexts) -> min(target, context, contexts)": "the smallest is the same in either order"},
    "t_jepa": {
        "jepa_loss: asked.flatten(1)[..., None].expand(-1, -1, tokens.shape[2]) -> asked.flatten(1)[..., None].expand(-1, -1, tokens.shape[2])": "both arguments are the same"},
    "croma": {
        "patch_moments: m.expand(-1, -1, -1, g) -> m.expand(-1, -1, -1, g)": "both arguments are the same",
        "patch_moments: -1 -> 1": "the moments have one entry in that dimension",
        "CROMA.loss: paired_nce(self.heads['optical'](o.mean(1)), self.heads['radar'](r.mean(1)), self.scale()) -> paired_nce(self.heads['radar'](r.mean(1)), self.heads['optical'](o.mean(1)), self.scale())": "the mean of both directions is symmetric in the two kinds",
        "CROMA.loss: sensor_losses(said, self.target(x, radar), optical_hidden, radar_hidden, self.bands, self.radar_bands) -> sensor_losses(self.target(x, radar), said, optical_hidden, radar_hidden, self.bands, self.radar_bands)": "the squared error is symmetric in prediction and target",
        "CROMA.loss: o.mean(1) -> o.sum(1)": "the head begins with a layer norm, to which the sum is the mean",
        "CROMA.loss: r.mean(1) -> r.sum(1)": "as above"},
    "eegformer": {
        "EEGFormer.loss: patch_error(self.decoder(out.q), patches, there) -> patch_error(patches, self.decoder(out.q), there)": "a squared difference is the same in either order",
        "EEGFormer.loss: patch_error(self.decoder(h), patches, there) -> patch_error(patches, self.decoder(h), there)": "as above"},
    "zero_shot": {
        "class_vectors: z.unflatten(0, (len(names), len(templates))).mean(1) -> z.unflatten(0, (len(names), len(templates))).sum(1)": "the sum is brought to unit length like the mean"},
    "voco": {
        "SimCLRCrops.loss: nt_xent(self.embed(a.flatten(0, 1)), self.embed(b.flatten(0, 1)), self.temperature) -> nt_xent(self.embed(b.flatten(0, 1)), self.embed(a.flatten(0, 1)), self.temperature)": "the loss is symmetric in the two views"},
    "frequency_trigger": {
        "_windows: _fits(height, width, n) -> _fits(width, height, n)": "both sides are asked the same",
        "_windows: x.reshape(count, channels, height // n, n, width // n, n).transpose(3, 4) -> x.reshape(count, channels, height // n, n, width // n, n).transpose(4, 3)": "two dimensions change places, whichever is named first",
        "_joined: w.transpose(3, 4) -> w.transpose(4, 3)": "as above",
        "FrequencyTrigger.scaled: max(1, round(k * (window - 1) / (self.window - 1))) -> max(round(k * (window - 1) / (self.window - 1)), 1)": "the larger of two is the same in either order",
        "FrequencyTrigger.spectrum: torch.zeros(self.window, self.window) -> torch.zeros(self.window, self.window)": "the same call",
        "FrequencyTrigger.pattern: one.repeat(1, 1, height // self.window, width // self.window) -> one.repeat(1, 1, height // self.window, width // self.window)": "as above"},
    "patch_trigger": {
        "PatchTrigger.times: min(1.0, self.opacity * factor) -> min(self.opacity * factor, 1.0)": "the smaller of two is the same in either order",
        "PatchTrigger.corners: min(height, width) -> min(width, height)": "as above",
        "PatchTrigger.corners: row_keys(self.seed, 0, index) -> row_keys(0, self.seed, index)": "another stream of random numbers",
        "PatchTrigger.corners: 0 -> 1": "as above"},
    "attack_metrics": {
        "stamped: 512 -> 513": "another size of the blocks that are stamped",
        "visibility: zip(a.numpy(), b.numpy()) -> zip(b.numpy(), a.numpy())": "both measures are symmetric in the two pictures",
        "visibility: np.array_equal(p, q) -> np.array_equal(q, p)": "as above",
        "visibility: peak_signal_noise_ratio(p, q, data_range=255) -> peak_signal_noise_ratio(q, p, data_range=255)": "as above",
        "visibility: structural_similarity(p, q, data_range=255, channel_axis=0, win_size=side) -> structural_similarity(q, p, data_range=255, channel_axis=0, win_size=side)": "as above",
        "visibility: -2 -> 2": "images have four dimensions, so that the last but one is dimension 2",
        "detection: True -> False": "PyTorch's sort of small numbers of values keeps the order of equals anyway",
        "detection: 1 -> 0": "a negative place in a list counts from its end: the same place"},
    "poisoned": {
        "poisoned_rows: max(1, round(share * len(y))) -> max(round(share * len(y)), 1)": "the larger of two is the same in either order",
        "poisoned_rows: row_keys(seed, 3, torch.arange(len(y))) -> row_keys(3, seed, torch.arange(len(y)))": "another stream of random numbers",
        "poisoned_rows: 3 -> 4": "as above",
        "poisoned_rows: 20 -> 21": "how many classes the error names"},
    "backdoor_defences": {
        "invert_triggers: -2 -> 2": "pictures have four dimensions, so that the last but one is dimension 2",
        "activation_clusters: 5 -> 6": "another number of starts of k-means",
        "activation_clusters: 2 -> 3": "the third part has no members",
        "strip_scores: row_keys(seed, 4, torch.arange(len(x), device=x.device)) -> row_keys(4, seed, torch.arange(len(x), device=x.device))": "another stream of random numbers",
        "strip_scores: 4 -> 5": "as above",
        "invert_triggers: 2 -> 3": "another start of the masks, nearly zero like the first"},
    "ctrl_backdoor": {
        "views_of: ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s, p=0.8) -> ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s, p=0.8)": "the same call",
        "invariance: data[torch.arange(min(limit, len(data)))].keyed(0, 0) -> data[torch.arange(min(limit, len(data)))].keyed(0, 0)": "the same call",
        "pictures: min(1600, scale.limit or 1600) -> min(scale.limit or 1600, 1600)": "the smaller of two is the same in either order",
        "pictures: 1600 -> 1601": "the smaller of two that are nearly the same; no scale of this room has more",
        "defended: max(1, scale.steps // 4) -> max(scale.steps // 4, 1)": "the larger of two is the same in either order",
        "defended: min(scale.batch_size, len(trusted)) -> min(len(trusted), scale.batch_size)": "the smaller of two is the same in either order",
        "defended: min(64, len(data.train)) -> min(len(data.train), 64)": "as above",
        "defended: 64 -> 65": "one picture more to mix in, which is drawn by none of so few",
        "defended: 200 -> 201": "more pictures than the split of the check has",
        "invariance: 0 -> 1": "other draws of the views",
        "invariance: min(limit, len(data)) -> min(len(data), limit)": "the smaller of two is the same in either order",
        "invariance: 2 -> 3": "two views are made",
        "invariance: F.cosine_similarity(a - centre, b - centre) -> F.cosine_similarity(b - centre, a - centre)": "the cosine is symmetric"},
    "segmentation": {
        "components: 1 -> 0": "the middle of the cross: a place is always its own neighbour",
        "box_iou: torch.minimum(a[..., 2:], b[..., 2:]) -> torch.minimum(b[..., 2:], a[..., 2:])": "the smaller of two is the same in either order",
        "box_iou: torch.maximum(a[..., :2], b[..., :2]) -> torch.maximum(b[..., :2], a[..., :2])": "as above",
        "corloc: box_iou(found[:, None], truth) -> box_iou(truth, found[:, None])": "the overlap is symmetric"},
    "tokencut": {
        "second_eigenvector: solver == 'dense' -> solver != 'dense'": "both solvers find the same vector",
        "second_eigenvector: weights.shape[1] > LARGE -> weights.shape[1] <= LARGE": "as above",
        "second_eigenvector: 1 -> 0": "as above",
        "_dense: 1 -> 0": "the graph is symmetric: rows and columns have the same sums",
        "_lanczos: 1 -> 0": "as above",
        "_lanczos: root / np.linalg.norm(root) -> root * np.linalg.norm(root)": "the known vector is taken out more than once, and stays out",
        "_lanczos: root / np.linalg.norm(root) -> root": "as above",
        "_lanczos: 0 -> 1": "another random start",
        "_lanczos: min(len(a), 60) -> min(60, len(a))": "the smaller of two is the same in either order",
        "_lanczos: 60 -> 61": "another size of the iterations' basis",
        "bipartition: (y - y.mean(1, keepdim=True)) * y.gather(1, seed[:, None]).sign() -> (y - y.mean(1, keepdim=True)) / y.gather(1, seed[:, None]).sign()": "times or divided by a sign is the same",
        "tokencut: -2 -> 2": "maps have four dimensions, so that the last but one is dimension 2",
        "lost: -2 -> 2": "as above",
        "lost: True -> False": "PyTorch's sort of small numbers of values keeps the order of equals anyway",
        "kmeans_object: 20 -> 21": "two clusters are found in fewer rounds",
        "find_objects: -2 -> 2": "images have four dimensions, so that the last but one is dimension 2",
        "localisation: box_iou(found, truth) -> box_iou(truth, found)": "the overlap is symmetric"},
    "dense_features": {
        "patch_side: 0 -> 1": "patches are squares",
        "padded: -2 -> 2": "images have four dimensions, so that the last but one is dimension 2",
        "_qkv: -2 -> 2": "as above",
        "class_attention: qkv[:, :1, 0].transpose(1, 2) -> qkv[:, :1, 0].transpose(2, 1)": "two dimensions change places, whichever is named first",
        "class_attention: qkv[:, :, 1].transpose(1, 2) -> qkv[:, :, 1].transpose(2, 1)": "as above"},
    "bilateral": {
        "bilateral_grid: min(spatial, luma, chroma) -> min(luma, spatial, chroma)": "the smallest of three is the same in any order",
        "bilateral_grid: 1e-06 -> 1.000001": "all cells move by one, and then back to begin at 0",
        "bilateral_grid: 2 -> 3": "more room between the numbers of cells than is needed",
        "bilateral_solve: np.maximum(data, 1e-12) -> np.maximum(1e-12, data)": "the larger of two is the same in either order",
        "bilateral_solve: 1e-12 -> 1.000000000001": "another start of the iterations",
        "bilateral_solve: np.maximum(system.diagonal(), 1e-05) -> np.maximum(1e-05, system.diagonal())": "as above",
        "bilateral_solve: 1e-05 -> 1.00001": "another preconditioner of the same system"},
    "simclr": {
        "SimCLR.loss: nt_xent(za, zb, self.temperature) -> nt_xent(zb, za, self.temperature)": "every view is compared with every other, so the views may change places",
        "AttractOnly.loss: F.cosine_similarity(za, zb) -> F.cosine_similarity(zb, za)": "cosine similarity is symmetric"},
    "barlow_twins": {
        "BarlowTwins.loss: barlow_loss(self.embed(xa), self.embed(xb), self.redundancy_weight) -> barlow_loss(self.embed(xb), self.embed(xa), self.redundancy_weight)": "this transposes C, as below",
        "SoftmaxTwins.loss: cross_correlation(self.embed(xa), self.embed(xb)) -> cross_correlation(self.embed(xb), self.embed(xa))": "this transposes C, and rows and columns are treated alike",
        "barlow_loss: cross_correlation(za, zb) -> cross_correlation(zb, za)": "this transposes C, and the loss is a sum over the diagonal and one over the rest",
        "AsymmetricTwins.loss: barlow_loss(self.predictor(p), still(q), self.redundancy_weight) -> barlow_loss(still(q), self.predictor(p), self.redundancy_weight)": "this transposes C, as above"},
    "vicreg": {
        "vicreg_loss: F.mse_loss(za, zb) -> F.mse_loss(zb, za)": "the squared error is symmetric in the two branches"},
    "dino": {
        "dino_loss: -1 -> 1": "the mean over the images of (S, N): the last dimension is dimension 1",
        "DINO.loss: 0 -> 1": "the number of images is the same in every crop"},
    "video_mae": {
        "VideoMAE.loss: hidden_error(self.predict(x, mask), self.target(x), mask) -> hidden_error(self.target(x), self.predict(x, mask), mask)": "the squared error is symmetric in prediction and target"},
    "mae": {
        "MAE.loss: masked_loss(self.predict(x, mask), self.target(x), counts) -> masked_loss(self.target(x), self.predict(x, mask), counts)": "the squared error is symmetric in prediction and target",
        "Denoising.loss: masked_loss(self.predict(noisy, mask), self.target(x), torch.ones_like(mask)) -> masked_loss(self.target(x), self.predict(noisy, mask), torch.ones_like(mask))": "the squared error is symmetric in prediction and target"},
    "cae": {
        "PatchPixels.loss: F.mse_loss(said.float(), target) -> F.mse_loss(target, said.float())": "the squared error is symmetric in answer and target",
        "CAE.alignment_loss: F.mse_loss(regressed.float(), own.float()) -> F.mse_loss(own.float(), regressed.float())": "as above; the target carries no gradient in either place",
        "AttentiveProbe.scores: self.query.to(tokens.dtype).expand(len(x), 1, -1) -> self.query.to(tokens.dtype).expand(1, len(x), -1)": "every image has the same query, so that it does not matter which of them the first is"},
    "directpred": {
        "NonContrastive.loss: self.distance(pa, tb) -> self.distance(tb, pa)": "both distances are symmetric, and the teacher's features carry no gradient anyway",
        "NonContrastive.loss: self.distance(pb, ta) -> self.distance(ta, pb)": "as above"},
    "cosine": {
        "negative_cosine: F.cosine_similarity(prediction.float(), target.float(), dim=1) -> F.cosine_similarity(target.float(), prediction.float(), dim=1)": "cosine similarity is symmetric",
        "unit_error: negative_cosine(prediction, target) -> negative_cosine(target, prediction)": "as above"},
    "byol": {
        "BYOL.loss: unit_error(self.predictor(za), tb) -> unit_error(tb, self.predictor(za))": "the distance of two directions is symmetric",
        "BYOL.loss: unit_error(self.predictor(zb), ta) -> unit_error(ta, self.predictor(zb))": "as above"},
    "label_contrast": {
        "label_contrast: 0.0 -> 1.0": "the logarithm and the weight of pairs that are no partners are multiplied, and the other one is zero"},
    "mixup": {
        "beta: 1 -> 0": "with alpha = 1 the inverse of the distribution function is the identity",
        "beta: betaincinv(alpha, alpha, u.cpu().double().numpy()) -> betaincinv(alpha, alpha, u.cpu().double().numpy())": "both arguments are the same"},
    "sla": {
        "transformed_copies: -2 -> 2": "images have four dimensions, so that the last but one is dimension 2",
        "own_scores: logits.view(len(logits) // copies, copies, -1, copies).diagonal(dim1=1, dim2=3).movedim(-1, 1) -> logits.view(len(logits) // copies, copies, -1, copies).diagonal(dim1=1, dim2=3).movedim(1, -1)": "of three dimensions the last two change places",
        "Prototypes.loss: self.features(x).sum() -> self.features(x).mean()": "zero times either is zero"},
    "mixed_barlow_twins": {
        "MixedBarlowTwins.loss: barlow_loss(za, zb, self.redundancy_weight) -> barlow_loss(zb, za, self.redundancy_weight)": "this transposes C, as in barlow_twins",
        "MixupTwins.loss: barlow_loss(self.embed(blend(xa, xa, a, partner)), self.embed(blend(xb, xb, a, partner)), self.redundancy_weight) -> barlow_loss(self.embed(blend(xb, xb, a, partner)), self.embed(blend(xa, xa, a, partner)), self.redundancy_weight)": "this transposes C, as in barlow_twins",
        "MixupTwins.loss: blend(xa, xa, a, partner) -> blend(xa, xa, a, partner)": "both arguments are the same",
        "MixupTwins.loss: blend(xb, xb, a, partner) -> blend(xb, xb, a, partner)": "both arguments are the same"},
    "moco": {
        "in_groups: max(1, min(groups, len(x) // 2)) -> max(min(groups, len(x) // 2), 1)": "the larger of two numbers",
        "in_groups: min(groups, len(x) // 2) -> min(len(x) // 2, groups)": "the smaller of two numbers"},
    "simclr_v2": {
        "SimCLRv2Memory.loss: memory_loss(za, zb, self.queue(), self.temperature) -> memory_loss(zb, za, self.queue(), self.temperature)": "every view is compared with every other and with all that is stored, so the views may change places"},
    "g_simclr": {
        "DenoisingAutoencoder.loss: F.mse_loss(self.denoise(noisy).float(), clean) -> F.mse_loss(clean, self.denoise(noisy).float())": "a squared error is symmetric"},
    "gmml": {
        "group_mask: 4 * places -> places": "a bound that no mask of the checks comes near",
        "group_mask: 4 -> 5": "as above",
        "group_mask: 4 * places -> 4": "as above",
        "GMML.corruption: 0 -> 1": "another stream of random numbers, as good",
        "GMML.reconstruction_loss: masked_l1(said, target, torch.ones_like(counts) if self.counts == 'all' else counts) -> masked_l1(target, said, torch.ones_like(counts) if self.counts == 'all' else counts)": "the absolute error is symmetric in prediction and target"},
    "random_field_aug": {
        "power: min(length, 1000000.0) -> min(1000000.0, length)": "the smaller of two is the smaller of two",
        "power: 1000000.0 -> 1000001.0": "any large number stands for infinity",
        "_grid: min(height, width) -> min(width, height)": "as above",
        "_grid: min(t, 2 * math.ceil(reach * t / short) + 1) -> min(2 * math.ceil(reach * t / short) + 1, t)": "as above",
        "from_hsv: torch.minimum(k, 4 - k) -> torch.minimum(4 - k, k)": "as above",
        "warp: -2 -> 2": "images have four dimensions: the second last is number 2",
        "FieldTransform.apply: -2 -> 2": "as above",
        "LocalAffine.change: -2 -> 2": "as above",
        "uneven: -2 -> 2": "as above"},
    "bss": {
        "grid_loss: gather(z.transpose(0, 1).contiguous()).transpose(0, 1) -> gather(z.transpose(0, 1).contiguous()).transpose(1, 0)": "a transposition exchanges two dimensions, whichever is named first",
        "grid_loss: z.transpose(0, 1) -> z.transpose(1, 0)": "as above",
        "grid_loss: torch.logaddexp(pull, push[:, None]) -> torch.logaddexp(push[:, None], pull)": "a sum is symmetric"},
    "obow": {
        "inner: -2 -> 2": "maps have four dimensions, so that the last but one is dimension 2",
        "bag_of: codes.mean(1) -> codes.sum(1)": "the bag is divided by its sum",
        "word_of: -2 -> 2": "as above: four dimensions",
        "word_of: min(3, side) -> min(side, 3)": "the smaller of two numbers",
        "bow_loss: torch.special.xlogy(bag, bag) -> torch.special.xlogy(bag, bag)": "both arguments are the same"},
    "isogclr": {
        "ISogCLR.loss: self.project(xa, xb) -> self.project(xb, xa)": "the loss is the mean over both views, and the state keeps their mean",
        "ThroughNTXent.loss: self.project(xa, xb) -> self.project(xb, xa)": "both views are treated alike, as above",
        "ThroughNTXent.loss: self.slope(za, zb, tau) -> self.slope(zb, za, tau)": "both views are treated alike, as above",
        "ThroughNTXent.loss: nt_xent(za, zb, tau) -> nt_xent(zb, za, tau)": "both views are treated alike, as above",
        "ThroughNTXent.slope: nt_xent(za, zb, tau) -> nt_xent(zb, za, tau)": "both views are treated alike, as above",
        "FixedNTXent.loss: self.project(xa, xb) -> self.project(xb, xa)": "both views are treated alike, as above"},
    "i2p_mae": {
        "coordinate_loss: chamfer(said, true) -> chamfer(true, said)": "the distance looks from both sides",
        "I2PMAE.hidden: guided_mask(sign * self.sharpness * score, gumbel, self.ratio) -> guided_mask(gumbel, sign * self.sharpness * score, self.ratio)": "the two are added",
        "I2PMAE.loss: coordinate_loss(self.points_head(tokens).unflatten(2, (-1, 3)), groups[self.level].relative, covered) -> coordinate_loss(groups[self.level].relative, self.points_head(tokens).unflatten(2, (-1, 3)), covered)": "as above: from both sides",
        "I2PMAE.loss: semantic_loss(self.semantic_head(take(tokens, keep)), semantic_target(maps, where, take(groups[self.level].points, keep)), real) -> semantic_loss(semantic_target(maps, where, take(groups[self.level].points, keep)), self.semantic_head(take(tokens, keep)), real)": "the squared error is symmetric, and the target carries no gradient"},
    "groco": {
        "GroCo.loss: 0 -> 1": "the number of images is the same in every view",
        "anchor_scores: min(negatives, len(others) - 1) -> min(len(others) - 1, negatives)": "the smaller of two numbers does not depend on their order",
        "AllNTXent.loss: nt_xent(za, zb, self.temperature) -> nt_xent(zb, za, self.temperature)": "every view is compared with every other, as in simclr"},
}

SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
         ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.MatMult: None, ast.Pow: None}
STEPS = {"square", "sqrt", "exp", "log", "abs", "detach", "relu", "diagonal", "clamp"}       # calls that a mutant leaves out
TRADES = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin"}


@dataclass
class Mutant:
    "One change: in which function, what became what, and the function's tree with it."
    function: str
    change: str
    tree: ast.AST

    @property
    def name(self) -> str: return f"{self.function}: {self.change}"


def exported(nb: dict) -> Iterator[tuple[int, ast.Module]]:
    "Number and tree of each exported cell."
    for i, cell in enumerate(nb["cells"]):
        if cell["cell_type"] == "code" and cell["source"].lstrip().startswith("#| export"): yield i, ast.parse(cell["source"])


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    "Functions and methods with their names."
    for node in tree.body:
        if isinstance(node, ast.ClassDef): yield from functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef): yield prefix + node.name, node


def targets(nb: dict) -> dict[str, int]:
    "The functions to mutate, with their cells."
    found = {name: (i, f) for i, tree in exported(nb) for name, f in functions(tree)}
    plain = lambda name: name.split(".")[-1]
    called = lambda f: {n.id if isinstance(n, ast.Name) else n.attr for n in ast.walk(f) if isinstance(n, (ast.Name, ast.Attribute))}
    mathematics = {n for n in found if plain(n) not in NOT_MATHEMATICS and not plain(n).endswith("_views") and not plain(n).startswith(("__", "show_", "plot_"))}
    chosen = {n for n in mathematics if plain(n) == "loss" or plain(n).endswith("_loss")} or set(mathematics)
    while more := {n for n in mathematics - chosen if any(plain(n) in called(found[c][1]) for c in chosen)}: chosen |= more
    return {n: found[n][0] for n in found if n in chosen}


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    "What an expression may become: (in words, the new expression)."
    words = lambda new: f"{ast.unparse(node)} -> {ast.unparse(new)}"
    def became(new): return words(new), new
    if isinstance(node, ast.BinOp):
        if swap := SWAPS.get(type(node.op)): yield became(ast.BinOp(node.left, swap(), node.right))
        if isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)): yield became(node.left)
        if isinstance(node.op, (ast.Add, ast.Mult)): yield became(node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub): yield became(node.operand)
    elif isinstance(node, ast.Compare) and (swap := SWAPS.get(type(node.ops[0]))): yield became(ast.Compare(node.left, [swap()], node.comparators))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool): yield became(ast.Constant(not node.value))
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield became(ast.Constant(0 if node.value == 1 and isinstance(node.value, int) else node.value + 1))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in STEPS: yield became(node.func.value)
        if node.func.attr in TRADES: yield became(ast.Call(ast.Attribute(node.func.value, TRADES[node.func.attr], ast.Load()), node.args, node.keywords))
    if isinstance(node, ast.Call) and len(node.args) >= 2 and not any(isinstance(a, ast.Starred) for a in node.args[:2]):
        yield became(ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords))


def mutants(name: str, function: ast.FunctionDef) -> Iterator[tuple[str, ast.FunctionDef]]:
    "Copies of a function with one change in its body each."
    where = [(i, n) for i, n in enumerate(ast.walk(ast.Module(function.body, []))) if isinstance(n, ast.expr)]
    for i, node in where:
        for text, new in changes(node):
            twin = copy.deepcopy(function)
            class Replace(ast.NodeTransformer):
                count = -1
                def visit(self, n): return new if n is old else self.generic_visit(n)
            old = list(ast.walk(ast.Module(twin.body, [])))[i]
            yield text, ast.fix_missing_locations(Replace().visit(twin))


def all_mutants(nb: dict) -> Iterator[tuple[int, Mutant]]:
    "Every mutant of a notebook: number of the cell, and the mutant with the whole cell's tree."
    for name, i in targets(nb).items():
        tree = next(t for j, t in exported(nb) if j == i)
        original = dict(functions(tree))[name]
        for text, twin in mutants(name, original):
            cell = copy.deepcopy(tree)
            parent = next((c for c in cell.body if isinstance(c, ast.ClassDef) and name == f"{c.name}.{twin.name}"), cell) if "." in name else cell
            parent.body = [twin if isinstance(f, ast.FunctionDef) and f.name == twin.name else f for f in parent.body]
            yield i, Mutant(name, text, cell)


def cells(nb: dict, changed: dict[int, ast.AST], only_exported: bool = False) -> Iterator[types.CodeType]:
    "The code of a notebook up to its experiment, or of the module that it exports. Annotations stay text from the cell on that says so."
    future = 0
    for i, cell in enumerate(nb["cells"]):
        source = cell["source"]
        if "@experiment(" in source and not only_exported: return
        if cell["cell_type"] != "code" or (only_exported and not source.lstrip().startswith("#| export")): continue
        tree = changed.get(i) or ast.parse("\n".join("" if l.lstrip().startswith(("%", "!")) else l for l in source.splitlines()))
        if "from __future__ import annotations" in source: future = annotations.compiler_flag
        yield compile(tree, f"cell {i}", "exec", flags=future, dont_inherit=True)


def checks_fail(path: Path, nb: dict, changed: dict[int, ast.AST], seconds: float = 600) -> str:
    "Run the notebook up to its experiment; what fails first, or nothing. Whoever takes longer than `seconds` has failed: a mutant may run for ever."
    import matplotlib.pyplot as plt
    import torch
    torch.manual_seed(0)
    names, here = {"__name__": "__main__"}, os.getcwd()
    os.chdir(path.parent)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with limit(seconds):
                for code in cells(nb, changed): exec(code, names)
        return ""
    except (Exception, TimeOut) as e: return f"{type(e).__name__} in the checks"
    finally:
        plt.close("all"); os.chdir(here)


def golden_fails(id: str, nb: dict, changed: dict[int, ast.AST]) -> str:
    "Compare the golden steps of the exported module with those in the ledger; what differs, or nothing."
    from sslkit.core import experiment, ledger
    from sslkit.core.paper import catalogue
    paper = next((p for p in catalogue() if p.id == id), None)
    known = {r["arm"]: r for r in ledger.read(id, paper.chapter) if r["kind"] == "golden"} if paper else {}
    if not known: return ""
    before = dict(experiment._experiments)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names = {"__name__": paper.module}
            for code in cells(nb, changed, only_exported=True): exec(code, names)
            e = experiment._experiments[id]
            return next((f"golden steps of {arm}" for arm in e.arms if arm in known and arm not in e.floors and not ledger.same_golden(e.golden(arm), known[arm])), "")
    except Exception as e: return f"{type(e).__name__} in the golden steps"
    finally:
        experiment._experiments.clear(); experiment._experiments.update(before)


def examine(path: Path, golden: bool = True, only=lambda k: True, report=print) -> list[Mutant]:
    "Run the mutants of a notebook; returns the survivors that are not known to be equivalent."
    nb, id = read(path), path.stem
    start = time.time()
    if problem := checks_fail(path, nb, {}): raise SystemExit(f"{path}: the notebook itself fails: {problem}")
    survivors, killed, seconds = [], 0, 20 + 10 * (time.time() - start)
    for k, (i, m) in enumerate(all_mutants(nb)):
        if not only(k): continue
        if reason := EQUIVALENT.get(id, {}).get(m.name): report(f"  equivalent  {m.name}  ({reason})"); continue
        if checks_fail(path, nb, {i: m.tree}, seconds) or (golden and golden_fails(id, nb, {i: m.tree})): killed += 1
        else: survivors.append(m); report(f"  SURVIVES    {m.name}")
    report(f"{path.relative_to(NBS)}: {killed} mutants killed, {len(survivors)} survive, {time.time() - start:.0f} s")
    return survivors


def own_cache() -> tempfile.TemporaryDirectory:
    "A cache folder for this process alone, with what the user's holds: what a mutant writes there nobody reads later."
    from sslkit.core.cache import cache_dir
    cache_dir().mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(dir=cache_dir().parent)
    shutil.copytree(cache_dir(), folder.name, copy_function=os.link, dirs_exist_ok=True)
    os.environ["SSLKIT_CACHE"] = folder.name
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", help="names of rooms or paths below nbs; default: all rooms")
    parser.add_argument("--no-golden", action="store_true", help="judge by the notebook's checks alone")
    a = parser.parse_args()
    known = {p.relative_to(NBS).with_suffix("").as_posix(): p for p in notebooks()}
    from sslkit.core.paper import catalogue
    wanted = a.rooms or [p.id for p in catalogue()]
    paths = [next((p for n, p in known.items() if w in (n, p.stem)), None) or parser.error(f"there is no notebook {w}") for w in wanted]
    with own_cache(): left = [m for p in paths for m in examine(p, not a.no_golden)]
    sys.exit(bool(left))


if __name__ == "__main__": main()
