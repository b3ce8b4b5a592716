{{ union_crms('failed_casts') }}
