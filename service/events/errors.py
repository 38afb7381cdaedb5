"""Problems of the feed."""

from service.errors import Problem


class FeedBeginsAnew(Problem):
    status, slug, title = 410, "feed-begins-anew", "The feed no longer goes on from there"
    explanation = (
        "Events after this cursor are not kept any more, or the register was restored. Read the queue or your "
        "signals as they are now, then read the feed without `after`."
    )
