{{ unnest_failed_casts('pipedrive', ['leads', 'deals', 'deal_changes', 'persons', 'activities', 'users', 'stages']) }}
