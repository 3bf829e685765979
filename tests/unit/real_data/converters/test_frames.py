"""DataFrames in compressed pickles become reviews, ratings and films."""

import lzma
import pickle
from pathlib import Path

import pandas as pd

from real_data.converters.frames import FOLDER, read_ratings, read_reviews


def save(package: Path, name: str, frame: pd.DataFrame) -> None:
    path = package / FOLDER / f"{name}.pkl.compress"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.compress(pickle.dumps(frame)))


def test_reviews_keep_their_published_parts(tmp_path: Path) -> None:
    save(tmp_path, "modeldata/training_data", pd.DataFrame({"review": ["good", "bad"], "score": ["great", "other"]}))
    save(tmp_path, "modeldata/testing_data", pd.DataFrame({"review": ["fine"], "score": ["great"]}))
    assert read_reviews(tmp_path) == {
        "train": [{"review": "good", "score": "great"}, {"review": "bad", "score": "other"}],
        "test": [{"review": "fine", "score": "great"}],
    }


def test_ratings_are_ordered_by_user_time_and_film(tmp_path: Path) -> None:
    rows = [(2, 10, 4.0, 5, "Heat", 1995.0), (1, 20, 3.5, 7, None, float("nan")), (1, 10, 1.0, 6, "Heat", 1995.0)]
    frame = pd.DataFrame(rows, columns=["userId", "movieId", "rating", "timestamp", "title", "year"])
    save(tmp_path, "dslabs/movielens", frame.assign(genres="Drama"))
    ratings, films = read_ratings(tmp_path)
    assert [(row["userId"], row["movieId"], row["rating"], row["timestamp"]) for row in ratings] == [
        (1, 10, 1.0, 6),
        (1, 20, 3.5, 7),
        (2, 10, 4.0, 5),
    ]
    assert films == [
        {"movieId": 10, "title": "Heat (1995)", "genres": "Drama"},
        {"movieId": 20, "title": "", "genres": "Drama"},
    ]
