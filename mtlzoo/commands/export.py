"""`mtlzoo export`."""

from mtlzoo import export, runs

HELP = "export a run's model"


def add(parser):
    """Adds the options."""
    parser.add_argument("run", metavar="RUN", help="the folder of a run")
    parser.add_argument("--format", choices=["saved_model", "litert"], default="saved_model", help="(default: saved_model)")
    parser.add_argument("--out", metavar="PATH", help="where to (default: RUN/export or RUN/model.tflite)")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")


def run(options):
    """Exports the model of a run as a SavedModel (one named output a task, one signature a task) or for LiteRT.

    Of a run on a table the SavedModel takes the raw columns; LiteRT, which has no look-up of texts, takes what the encoder gives.
    """
    model, _ = runs.load(options.run)
    encoder = runs.load_encoder(options.run)
    path = options.out or f"{options.run}/{'export' if options.format == 'saved_model' else 'model.tflite'}"
    if options.format == "saved_model":
        export.export_saved_model(model, path, encoder=encoder, overwrite=options.overwrite)
    else:
        export.export_litert(model, path, overwrite=options.overwrite)
    print(f"Exported: {path}")
    if encoder is not None and options.format == "litert":
        print(f"Its inputs are ids and normalised numbers, as {options.run}/encoder.keras gives them.")
