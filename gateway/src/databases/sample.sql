create table products (
    id integer primary key,
    name text not null,
    category text not null,
    price real not null,
    available boolean not null
);
insert into products values
    (1, 'Mountain tent', 'camping', 249.00, true),
    (2, 'Sleeping bag', 'camping', 119.50, true),
    (3, 'Gas stove', 'camping', 39.90, false),
    (4, 'Trail map, north', 'maps', 12.00, true),
    (5, 'Trail map, south', 'maps', 12.00, true),
    (6, 'Compass', 'tools', 24.90, true),
    (7, 'Head lamp', 'tools', 44.00, true),
    (8, 'Pocket knife', 'tools', 29.90, false);
create table stock (
    product integer not null references products (id),
    warehouse text not null,
    pieces integer not null,
    primary key (product, warehouse)
);
insert into stock values
    (1, 'Freiburg', 4), (1, 'Leipzig', 7), (2, 'Freiburg', 12), (4, 'Leipzig', 40),
    (5, 'Leipzig', 38), (6, 'Freiburg', 21), (7, 'Freiburg', 3), (7, 'Leipzig', 5);
