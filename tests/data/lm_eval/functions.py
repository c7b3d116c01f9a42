"""Functions of a page, as those of lm-evaluation-harness's own pages are; the package does not exist."""

import a_package_that_is_nowhere_to_be_had


def process_docs(dataset):
    return dataset.filter(lambda doc: doc["topic"] != "dull").map(
        lambda doc: {"value": doc["answer"].split("#### ")[1]}
    )


def doc_to_text(doc):
    return "Solve: " + doc["question"]


def process_results(doc, results):
    return {"exact_match": int(results[0].strip() == doc["value"])}


def unusable():
    return a_package_that_is_nowhere_to_be_had.value
