"""Views of pods, each version of a pod seen once: a job is reconciled far more often than one of its pods changes."""

from llmtrain_operator.core.manifest import Manifest
from llmtrain_operator.core.pod_view import PodView
from llmtrain_operator.shell.object_index import uid_of
from llmtrain_operator.shell.relevance import seen


class PodViews:
    """The view of the newest version of each pod that was looked at."""

    def __init__(self) -> None:
        self.views: dict[str, PodView] = {}
        """By uid."""

    def of(self, pod: Manifest) -> PodView:
        """Return the view of a pod of the store, whose objects are replaced and never changed."""
        uid = uid_of(pod)
        view = self.views.get(uid)
        if view is None or view.manifest is not pod:
            view = self.views[uid] = PodView.of(pod)
        return view

    def alike(self, before: Manifest, after: Manifest) -> bool:
        """Return whether decisions see no difference between two versions of a pod."""
        return seen(self.of(before)) == seen(self.of(after))

    def discard(self, uid: str) -> None:
        """Forget a pod."""
        self.views.pop(uid, None)
