{{ union_crms('deal_stage_changes') }}
