{{ union_crms('deal_value_changes') }}
