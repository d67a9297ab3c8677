"""Another face, laid over the patient's."""
