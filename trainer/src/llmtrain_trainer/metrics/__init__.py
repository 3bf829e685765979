"""How good a model is: numbers that are the same bits at any number of ranks, in memory that is constant per sample.

    sample_table.py     one row of numbers for each sample, filled by all ranks together
    metric.py           what all metrics share: weights of the samples, sums in a fixed order, scores
    classification.py   accuracy, precision, recall and F1 from counts of classes, ROC-AUC
    regression.py       mean squared error, R2, Spearman's correlation
    tagging.py          accuracy of tags, precision, recall and F1 of entities
    perplexity.py       loss, perplexity and bits per byte
    masked.py           loss, perplexity and accuracy of masked tokens
    ranking.py          hit rate and NDCG of recommended items
    rouge.py            ROUGE of summaries
    squad.py            exact match and F1 of answers
    translation.py      BLEU and chrF of translations
    ranks.py            ROC-AUC and Spearman's correlation from ranks
    bootstrap.py        intervals of scores, and of the difference of two models
    slices.py           scores by the value of a column
    baselines.py        what a trivial method answers

Every metric has three steps, and the first alone runs where the model does:

1. `rows` reduces the model's answers for a batch to a few numbers for each sample: classes, counts, one loss. Logits are
   never kept. A `SampleTable` keeps the row of each sample at the sample's number.
2. Ranks fill disjoint rows of a table of zeros, so the sum of their tables (an all-reduce) is exact and independent of
   how the samples are distributed and of the order in which they are evaluated.
3. `scores` is a pure function of the complete table and of weights, which say how often each sample counts: once for the
   score itself, as often as it was drawn for a resample of a bootstrap. Sums of integers are exact; sums of fractions
   are made in the order of the sample numbers.

A task therefore names a `Metric` and evaluates any samples on any rank:

    metric = Classification(class_names=("negative", "positive"))
    table = SampleTable(samples=len(held_out), columns=metric.columns)
    for numbers in batches_of_this_rank:
        table.set_rows(numbers, metric.rows(labels[numbers], logits))
    ranks.all_reduce(torch.from_numpy(table.numbers))
    scores = score(metric, table.rows())

Nothing here imports torch or knows ranks.
"""
