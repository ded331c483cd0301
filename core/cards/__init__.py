"""Model folders: a finished run as a folder that loads elsewhere, with its model card (Mitchell et al., FAT* 2019).

    README.md            the card, in the Hugging Face form; written for people, read by no program
    config.json          what builds the model again, see core.config.model
    labels.json          its findings, in their order
    thresholds.json      one for each finding: value, rule, note
    prompts.safetensors  float32 (K, d): vectors of the positive and negative prompts, in the order of the findings
    results.json         data, training, and how the run did, with intervals
    model.safetensors    all that was learned: the head, and what of the towers learned
    manifest.json        size and SHA-256 of all of these, written last

Nothing of a folder is ever unpickled, and no code in it runs.
"""
