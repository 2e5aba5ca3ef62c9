import asyncpg

from tests.services import Servers, fresh_bucket, fresh_database, s3_client


async def test_a_fresh_database_is_empty_and_the_services_own(servers: Servers) -> None:
    async with fresh_database(servers) as url:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        assert (
            await connection.fetchval(
                "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
            )
            is False
        )
        await connection.execute("CREATE TABLE photos (id int)")
        await connection.close()


async def test_a_fresh_bucket_takes_an_object(servers: Servers) -> None:
    async with fresh_bucket(servers) as bucket, s3_client(servers.s3) as s3:
        await s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        assert (await s3.list_objects_v2(Bucket=bucket))["KeyCount"] == 1
