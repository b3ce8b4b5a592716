{{ union_crms('merges') }}
