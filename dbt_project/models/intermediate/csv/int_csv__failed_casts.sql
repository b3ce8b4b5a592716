{{ unnest_failed_casts('csv', ['leads', 'deals', 'activities', 'people']) }}
