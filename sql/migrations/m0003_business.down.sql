DROP TABLE public.exchange_config;
DROP TABLE public.system_config;
DROP TABLE public.orders;
DROP TABLE public.position_history;
DROP TABLE public.current_positions;
