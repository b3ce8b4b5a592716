{{ union_crms('reps') }}
